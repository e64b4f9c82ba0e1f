"""The parts of `make bench`: processes on separate cores, load, and one module for each section."""
