"""Use cases of several steps: opening a room, answering a chat, making a debrief, placing a phone call."""
