"""Meta Networks (Shen et al., CVPR 2018)."""
