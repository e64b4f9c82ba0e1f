"""The briefing: saved under the room, with the prompt that prepares the interviewer, which knows the plan."""

from datetime import datetime
from secrets import token_hex

from services.briefing import Briefing, BriefingRequest
from services.plan import Plan
from services.prompts.briefing import BRIEFING_BLOCK, briefing_prompt
from services.storage.protocol import Storage

_NONCE_BYTES = 8


def with_plan(briefing: Briefing, plan: Plan | None) -> Briefing:
    """The briefing with a prompt that has the plan in it. The block's nonce stays, so the prompt reads the same."""
    if plan is None:
        return briefing
    block = BRIEFING_BLOCK.search(briefing.briefing_prompt)
    nonce = block[1] if block else token_hex(_NONCE_BYTES)
    return briefing.model_copy(update={"briefing_prompt": briefing_prompt(briefing, nonce, plan)})


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
