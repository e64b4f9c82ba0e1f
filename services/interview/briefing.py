"""The briefing: saved under the room, with the prompt that prepares the interviewer."""

from datetime import datetime
from secrets import token_hex

from services.briefing import Briefing, BriefingRequest
from services.prompts.briefing import briefing_prompt
from services.storage.protocol import Storage

_NONCE_BYTES = 8


async def save_briefing(storage: Storage, room_name: str, request: BriefingRequest, now: datetime) -> Briefing:
    """Store the briefing and return it; saving again replaces. Raises RoomNotFound, StorageFull, StorageUnavailable."""
    briefing = Briefing(
        **dict(request),
        room_name=room_name,
        briefing_prompt=briefing_prompt(request, token_hex(_NONCE_BYTES)),
        updated_at=now,
    )
    await storage.save_briefing(briefing)
    return briefing
