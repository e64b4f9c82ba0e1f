"""HTTP to vendors: client, transport, responses, retries, circuit breaker, server-sent events."""
