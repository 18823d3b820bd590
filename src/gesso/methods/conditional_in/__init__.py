"""Conditional instance norm (Dumoulin et al., ICLR 2017)."""
