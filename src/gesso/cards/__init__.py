"""The CARD: what a method keeps of a style, its file, blends and cache."""
