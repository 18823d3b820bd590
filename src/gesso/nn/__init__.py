"""Network parts that are fast on a CPU, and the transfer network."""
