"""The parts of `make soak`: visitors, what they were promised, and what is left of the machine afterwards."""
