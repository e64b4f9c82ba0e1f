"""Prompts: what every model call is told. Pure: no clock, no settings, no network."""
