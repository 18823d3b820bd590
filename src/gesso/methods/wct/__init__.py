"""WCT (Li et al., NeurIPS 2017)."""
