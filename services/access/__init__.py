"""Authentication, rate limits, budgets, idempotency."""
