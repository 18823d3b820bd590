"""Content, style and total variation; the objectives made of them."""
