"""The parts of `make bench`: servers and load on cores of their own, and one module for each promise about speed."""
