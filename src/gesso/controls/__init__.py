"""STYLIZER → STYLIZER: strength, colours, regions and polish, for every method."""
