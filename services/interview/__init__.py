"""What takes several steps in order: opening a room, answering a chat, making a debrief."""
