"""Johnson et al. (ECCV 2016)."""
