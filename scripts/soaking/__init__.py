"""The parts of `make soak`: random interviews, faulty vendors, and checks of responses, stored data and resources."""
