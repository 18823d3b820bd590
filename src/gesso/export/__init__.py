"""Networks for other engines: `gesso export`."""
