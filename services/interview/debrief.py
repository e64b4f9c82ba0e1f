"""A debrief, step by step: read the record, ask the model, check every quote, score by rule, keep the result."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from services.access.idempotency import Idempotency
from services.briefing import Briefing
from services.clock import Clock
from services.evidence.debrief import Basis, Debrief, Grounding
from services.evidence.examination import VerifiedDebrief, verify
from services.evidence.scoring import score
from services.interview.debrief_reading import read_with_model
from services.interview.transcript import read_transcript
from services.llm import LLM, DebriefReply
from services.prompts.debrief import DEFAULT_COMPETENCIES
from services.prompts.injection import injection_warnings
from services.prompts.inputs import (
    PROMPT_VERSION,
    Message,
    PromptInputs,
    briefing_texts,
    conversation,
)
from services.storage.protocol import Storage
from services.storage.records import StoredDebrief, StoredRoom
from services.transcript.transcript import Role, SourceTurn, Transcript

log = logging.getLogger(__name__)

SAME_INPUT_FOR = timedelta(hours=1)
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DebriefInput:
    """What there is to debrief besides the stored briefing."""

    transcript: str | Sequence[SourceTurn] = ""
    notes: str = ""
    chat_history: Sequence[Message] = ()
    speakers: Mapping[str, Role] = field(default_factory=dict)
    """What the request says about the labels of the transcript."""


@dataclass(frozen=True, slots=True)
class DebriefService:
    """Makes the debriefs of one interview."""

    llm: LLM
    storage: Storage
    once: Idempotency
    clock: Clock
    interview: StoredRoom
    is_recommending: bool

    async def make(self, record: DebriefInput, report: Report, *, is_new_wanted: bool) -> Debrief:
        """The debrief of this record: the one made of the same input within the hour, or else a new version.

        `report` is told the stages. Identical requests at the same time make one debrief.
        Raises the provider errors of `LLM`, and RoomNotFound when the room is erased meanwhile.
        """
        # in a thread: a long transcript would hold up every other call
        transcript = await asyncio.to_thread(read_transcript, record.transcript, self.interview, record.speakers)
        if _basis(record, transcript) == "none":
            return self._empty()
        self.llm.require_configured()
        report("reading")
        fingerprint = await asyncio.to_thread(self._fingerprint, record)
        async with self.once.lock(f"debrief {self.interview.room.name} {fingerprint}"):
            if not is_new_wanted and (stored := await self._stored(fingerprint)):
                return read_stored(stored)
            return await self._make_new(record, transcript, fingerprint, report)

    async def _make_new(
        self, record: DebriefInput, transcript: Transcript, fingerprint: str, report: Report
    ) -> Debrief:
        report("analysing")
        reading, warnings = await read_with_model(
            self.llm, self.interview.room.name, self._inputs(record), transcript, self._competencies()
        )
        report("checking")
        examination = await asyncio.to_thread(verify, reading.reading, self._competencies(), transcript, record.notes)
        warnings = [
            *transcript.warnings,
            *warnings,
            *await asyncio.to_thread(self._injection_warnings, record, transcript),
        ]
        debrief = self._compose(record, transcript, reading, examination, warnings)
        version = await self.storage.add_debrief(
            self.interview.room.name, fingerprint, debrief.created_at, debrief.model_dump_json()
        )
        log.info("debrief %d of %s made by %s", version, self.interview.room.name, reading.model)
        return debrief.model_copy(update={"version": version})

    async def _stored(self, fingerprint: str) -> StoredDebrief | None:
        since = self.clock() - SAME_INPUT_FOR
        return await self.storage.find_debrief(self.interview.room.name, fingerprint, since)

    def _inputs(self, record: DebriefInput) -> PromptInputs:
        return PromptInputs(
            briefing=self.interview.briefing,
            interviewer_notes=record.notes,
            sidebar_chat=conversation(record.chat_history),
        )

    def _competencies(self) -> tuple[str, ...]:
        briefing = self.interview.briefing
        return (briefing.focus_areas if briefing else ()) or DEFAULT_COMPETENCIES

    def _fingerprint(self, record: DebriefInput) -> str:
        """Of everything that the debrief is made of, so that the same input is known again."""
        briefing = self.interview.briefing
        made_of = {
            "prompts": PROMPT_VERSION,
            "model": self.llm.model,
            "recommending": self.is_recommending,
            "briefing": _content(briefing),
            "record": asdict(record),
        }
        return hashlib.sha256(json.dumps(made_of, default=str, sort_keys=True).encode()).hexdigest()

    def _injection_warnings(self, record: DebriefInput, transcript: Transcript) -> list[str]:
        texts = {
            f"The {kind.replace('_', ' ')}": text for kind, text in briefing_texts(self.interview.briefing).items()
        }
        texts |= {"The interviewer's notes": record.notes, "The sidebar chat": conversation(record.chat_history)}
        return injection_warnings(transcript.turns, texts)

    def _compose(
        self,
        record: DebriefInput,
        transcript: Transcript,
        reading: DebriefReply,
        examination: VerifiedDebrief,
        warnings: list[str],
    ) -> Debrief:
        recommendation, result = score(
            [row.rating for row in examination.scorecard], is_recommending=self.is_recommending
        )
        claims = examination.evidence
        return Debrief(
            room_name=self.interview.room.name,
            version=0,
            summary=examination.summary,
            strengths=[entry.claim for entry in claims if entry.kind == "strength"],
            improvements=[entry.claim for entry in claims if entry.kind == "improvement"],
            follow_up_questions=examination.follow_up_questions,
            recommendation=recommendation,
            original_briefing=self.interview.briefing,
            evidence=claims,
            unsupported=examination.unsupported,
            scorecard=examination.scorecard,
            score=result,
            basis=_basis(record, transcript),
            warnings=[*warnings, *examination.warnings],
            grounding=examination.grounding,
            turns_read=len(transcript.turns),
            model=reading.model,
            usage=reading.usage,
            prompt_version=PROMPT_VERSION,
            created_at=self.clock(),
        )

    def _empty(self) -> Debrief:
        """Nothing to analyse, so nothing is asked, and nothing is kept."""
        recommendation, result = score([], is_recommending=self.is_recommending)
        return Debrief(
            room_name=self.interview.room.name,
            version=0,
            summary="",
            strengths=[],
            improvements=[],
            follow_up_questions=[],
            recommendation=recommendation,
            original_briefing=self.interview.briefing,
            evidence=[],
            unsupported=[],
            scorecard=[],
            score=result,
            basis="none",
            warnings=["There was no transcript, no notes and no chat to analyse."],
            grounding=Grounding(quotes_proposed=0, quotes_found=0, claims_supported=0, claims_total=0),
            turns_read=0,
            model=None,
            usage=None,
            prompt_version=PROMPT_VERSION,
            created_at=self.clock(),
        )


def read_stored(stored: StoredDebrief) -> Debrief:
    """The debrief as it was kept, with the number of its version."""
    return Debrief.model_validate_json(stored.document).model_copy(update={"version": stored.version})


def _content(briefing: Briefing | None) -> dict[str, Any] | None:
    """What it says, whenever it was saved."""
    if briefing is None:
        return None
    return briefing.model_dump(exclude={"briefing_prompt", "updated_at"})


def _basis(record: DebriefInput, transcript: Transcript) -> Basis:
    """The best of what there is."""
    if transcript.turns:
        return "transcript"
    if record.notes.strip():
        return "notes"
    return "chat" if any(message["content"].strip() for message in record.chat_history) else "none"
