"""Pictures made by code alone: small three-dimensional renderings and paintings in many manners."""
