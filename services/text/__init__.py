"""Text: Unicode normalization and invisible characters. Pure; the only copy of either."""
