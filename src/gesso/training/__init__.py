"""One loop for everything trained: checkpoints, exact resume, batches, logs."""
