"""Storage of rooms and their records: in memory, or in SQLite or PostgreSQL."""
