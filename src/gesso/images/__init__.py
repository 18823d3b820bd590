"""Picture files ↔ numbers: reading, writing, formats, colour profiles, limits."""
