"""The STYLIZER: contents → pictures."""
