"""The transcript of an interview, with speakers told apart by the names that the room and the briefing give."""

from collections.abc import Sequence

from services.errors import InvalidInput
from services.prompts.inputs import without_placeholder
from services.storage.records import StoredRoom
from services.transcript.transcript import SourceTurn, Transcript, parse_transcript

MOST_TURNS = 20_000


def read_transcript(source: str | Sequence[SourceTurn], interview: StoredRoom) -> Transcript:
    """The transcript as numbered turns with roles. Raises InvalidInput for more than 20,000 turns."""
    room, briefing = interview.room, interview.briefing
    briefed = without_placeholder(briefing.candidate_name) if briefing else ""
    transcript = parse_transcript(
        source,
        candidate_name=briefed or room.candidate_name,
        interviewer_names=room.interviewer_names(),
    )
    if len(transcript.turns) > MOST_TURNS:
        raise InvalidInput(f"The transcript has more than {MOST_TURNS:,} turns; send the interview alone.")
    return transcript
