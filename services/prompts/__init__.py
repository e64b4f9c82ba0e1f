"""Prompts: the wording of every model call. Pure: no clock, no settings, no network."""
