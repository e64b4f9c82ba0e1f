"""Evidence, and nothing that waits: transcripts, quotes, scores, prompts, reports."""
