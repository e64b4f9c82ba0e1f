"""Transcripts: files and pasted text to numbered turns with speakers and roles. Pure."""
