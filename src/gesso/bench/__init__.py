"""`gesso bench`: what the papers' tables say, measured on the user's machine.

Knows only Method, StyleCard and stylizer, so it serves every method.
"""
