"""The compact encoder's training."""
