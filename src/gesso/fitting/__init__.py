"""Descents: of a network towards one style, and of a picture's pixels."""
