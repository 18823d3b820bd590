"""CLIP → CLIP: frames with their times, stylized in order."""
