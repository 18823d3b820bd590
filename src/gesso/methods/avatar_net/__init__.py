"""Avatar-Net (Sheng et al., CVPR 2018)."""
