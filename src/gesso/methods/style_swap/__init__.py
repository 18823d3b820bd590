"""Style swap (Chen & Schmidt 2016)."""
