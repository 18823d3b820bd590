"""MetaStyle (Zhang et al., AAAI 2019)."""
