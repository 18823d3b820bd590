"""Matching (Kolkin et al. 2022)."""
