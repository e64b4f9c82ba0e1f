"""Evidence, and nothing that waits: transcripts, quotes, scores, prompts, reports. Pure values in, pure values out."""
