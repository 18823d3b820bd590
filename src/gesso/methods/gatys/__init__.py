"""Gatys et al. (CVPR 2016)."""
