"""Files written whole or not at all; safetensors with a checked header and a hash."""
