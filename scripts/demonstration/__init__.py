"""The parts of `make demo`: a client of the API, and printing for a terminal."""
