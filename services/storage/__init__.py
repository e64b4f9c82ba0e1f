"""Where rooms and what belongs to them are kept."""
