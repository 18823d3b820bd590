"""Ulyanov et al. (ICML 2016, CVPR 2017)."""
