"""The debrief, step by step: read the record, ask the model, check every quote, score by rule, store the result."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, get_args

from services.access.idempotency import Idempotency
from services.briefing import Briefing
from services.clock import Clock
from services.errors import UnreadableRecord
from services.evidence.conversation import count_interview
from services.evidence.debrief import Basis, Debrief, DebriefSpeaker, InterviewNumbers, Recommendation, Score
from services.evidence.grounding import VerifiedDebrief, nothing_verified, verify
from services.evidence.scoring import score
from services.evidence.sensitivity import NO_RECOMMENDATION, analyse
from services.interview.debrief_reading import read_with_model
from services.interview.participants import names_that_joined
from services.interview.plan import competencies_of, current_plan
from services.interview.threads import run_in_thread
from services.interview.transcript import read_transcript
from services.llm import LLM, DebriefReply
from services.plan import Scale
from services.prompts.injection import injection_warnings
from services.prompts.inputs import (
    PROMPT_VERSION,
    Message,
    PromptInputs,
    briefing_texts,
    conversation,
    without_placeholder,
)
from services.prompts.plan import scales_text
from services.storage.documents import read_document
from services.storage.protocol import Storage
from services.storage.records import ParticipantRole, StoredDebrief, StoredRoom
from services.storage.retrying import add_with_retry
from services.transcript.speaker_roles import BY_ELIMINATION
from services.transcript.transcript import Role, SourceTurn, Speaker, Transcript

log = logging.getLogger(__name__)

SAME_INPUT_FOR = timedelta(hours=1)
FEWEST_WORDS = 20
"""Minimum words of the candidate for a transcript to be analysed."""
NOTHING_SENT = "There was no transcript, no notes and no chat to analyse."
TOO_FEW_WORDS = (
    "There was too little to analyse: {words} of the {needed} words that are needed are known to be the candidate's, "
    "and there were no notes."
)

OnProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DebriefInput:
    """The input of a debrief besides the stored briefing."""

    transcript: str | Sequence[SourceTurn] = ""
    notes: str = ""
    chat_history: Sequence[Message] = ()
    speakers: Mapping[str, Role] = field(default_factory=dict)
    """What the request says about the labels of the transcript."""
    warnings: Sequence[str] = ()
    """About the stored transcript that is used, or about the one that is missing."""
    missing_transcript: str = ""
    """Why there is no transcript yet, although Daily may have one: a sentence, or empty."""


@dataclass(frozen=True, slots=True)
class DebriefService:
    """Makes the debriefs of one interview."""

    llm: LLM
    storage: Storage
    once: Idempotency
    clock: Clock
    interview: StoredRoom
    is_recommending: bool
    is_emulated: bool

    async def make(self, record: DebriefInput, on_progress: OnProgress, *, regenerate: bool) -> Debrief:
        """Returns the debrief of the same input made within the hour, or a new version.

        `on_progress` is called with each stage. Identical requests at the same time make one debrief. Raises the
        provider errors of `LLM`, and RoomNotFound when the room is erased meanwhile.
        """
        transcript = await asyncio.to_thread(read_transcript, record.transcript, self.interview, record.speakers)
        basis = _basis(record, transcript)
        if basis == "none":
            return await self._nothing_to_analyse(record, transcript)
        self.llm.require_configured()
        on_progress("reading")
        fingerprint = await asyncio.to_thread(self._fingerprint, record)
        async with self.once.lock(f"debrief {self.interview.room.name} {fingerprint}"):
            if not regenerate and (debrief := await self._find_same(fingerprint)):
                return debrief
            debrief = await self._analyse(record, transcript, basis, on_progress)
            return await self._store(debrief, fingerprint)

    async def _analyse(
        self, record: DebriefInput, transcript: Transcript, basis: Basis, on_progress: OnProgress
    ) -> Debrief:
        on_progress("analysing")
        competencies = self._competencies()
        inputs = await asyncio.to_thread(self._inputs, record)
        reply, warnings = await read_with_model(self.llm, self.interview.room.name, inputs, transcript, competencies)
        on_progress("checking")
        verified = await run_in_thread(
            lambda should_stop: verify(
                reply.reading,
                competencies,
                transcript,
                record.notes,
                known_names=self._known_names(),
                should_stop=should_stop,
            )
        )
        injections = await asyncio.to_thread(self._injection_warnings, record, transcript)
        warnings = [*record.warnings, *warnings, *injections]
        return await self._compose(transcript, basis, verified, reply, warnings)

    async def _store(self, debrief: Debrief, fingerprint: str) -> Debrief:
        """Stores a debrief that was paid for, retrying for a few seconds while the database is unavailable."""
        name, document = self.interview.room.name, debrief.model_dump_json()
        version = await add_with_retry(
            lambda: self.storage.add_debrief(name, fingerprint, debrief.created_at, document)
        )
        log.info("debrief %d of %s made by %s", version, name, debrief.model)
        return debrief.model_copy(update={"version": version})

    async def _find_same(self, fingerprint: str) -> Debrief | None:
        """The debrief that was made of this input within the hour; one that can't be read is made again."""
        since = self.clock() - SAME_INPUT_FOR
        stored = await self.storage.find_debrief(self.interview.room.name, fingerprint, since)
        with suppress(UnreadableRecord):
            return read_stored(stored) if stored else None
        return None

    async def _nothing_to_analyse(self, record: DebriefInput, transcript: Transcript) -> Debrief:
        """A debrief without a model call. It is not stored."""
        reason = record.missing_transcript or NOTHING_SENT
        if transcript.turns:
            reason = TOO_FEW_WORDS.format(words=transcript.candidate_words, needed=FEWEST_WORDS)
        warnings = list(dict.fromkeys([*record.warnings, reason]))
        return await self._compose(transcript, "none", nothing_verified(reason), None, warnings)

    async def _compose(
        self,
        transcript: Transcript,
        basis: Basis,
        verified: VerifiedDebrief,
        reply: DebriefReply | None,
        warnings: Sequence[str],
    ) -> Debrief:
        recommendation, result = self._score(verified)
        claims = verified.evidence
        return Debrief(
            room_name=self.interview.room.name,
            version=0,
            summary=verified.summary,
            strengths=[entry.claim for entry in claims if entry.kind == "strength"],
            improvements=[entry.claim for entry in claims if entry.kind == "improvement"],
            follow_up_questions=list(verified.follow_up_questions),
            recommendation=recommendation,
            original_briefing=self.interview.briefing,
            evidence=list(claims),
            unsupported=list(verified.unsupported),
            scorecard=list(verified.scorecard),
            scales=self._scales(),
            score=result,
            basis=basis,
            warnings=[*verified.warnings, *transcript.warnings, *warnings],
            grounding=verified.grounding,
            speakers=[_speaker(speaker) for speaker in transcript.speakers],
            interview=await asyncio.to_thread(self._interview_numbers, transcript),
            turns_read=len(transcript.turns),
            model=reply.model if reply else None,
            emulated=self.is_emulated and reply is not None,
            usage=reply.usage if reply else None,
            prompt_version=PROMPT_VERSION,
            created_at=self.clock(),
        )

    def _score(self, verified: VerifiedDebrief) -> tuple[Recommendation, Score]:
        ratings = [row.rating for row in verified.scorecard]
        recommendation, result = score(ratings, is_recommending=self.is_recommending)
        sensitivity = analyse(verified.scorecard) if self.is_recommending else NO_RECOMMENDATION
        return recommendation, result.model_copy(update=sensitivity._asdict())

    def _interview_numbers(self, transcript: Transcript) -> InterviewNumbers:
        room = self.interview.room
        return count_interview(
            transcript,
            interviewers=room.interviewer_names(),
            candidate=self._candidate_name() or None,
            opened_at=room.created_at,
        )

    def _candidate_name(self) -> str:
        """The candidate's name, from the briefing or else from the room."""
        briefing = self.interview.briefing
        briefed = without_placeholder(briefing.candidate_name) if briefing else ""
        return briefed or self.interview.room.candidate_name or ""

    def _known_names(self) -> list[str]:
        """Names that a claim may contain although no quote does."""
        briefing = self.interview.briefing
        return [self._candidate_name(), briefing.role if briefing else "", *self.interview.room.interviewer_names()]

    def _inputs(self, record: DebriefInput) -> PromptInputs:
        return PromptInputs(
            briefing=self.interview.briefing,
            interviewer_notes=record.notes,
            sidebar_chat=conversation(record.chat_history),
            scales=scales_text(self._scales(), self._competencies()),
        )

    def _competencies(self) -> tuple[str, ...]:
        return competencies_of(self.interview, current_plan(self.interview))

    def _scales(self) -> list[Scale]:
        """The plan's scales of what is rated: they were fixed before the candidate spoke."""
        plan = current_plan(self.interview)
        rated = competencies_of(self.interview, plan)
        return [scale for scale in plan.scales if scale.focus_area in rated] if plan else []

    def _fingerprint(self, record: DebriefInput) -> str:
        """Hash of all inputs of the debrief, which identifies the same input."""
        made_of = {
            "prompts": PROMPT_VERSION,
            "model": self.llm.model,
            "recommending": self.is_recommending,
            "briefing": _content(self.interview.briefing),
            "names": [names_that_joined(self.interview, role) for role in get_args(ParticipantRole)],
            "competencies": self._competencies(),
            "scales": [scale.model_dump() for scale in self._scales()],
            "record": asdict(record),
        }
        return hashlib.sha256(json.dumps(made_of, default=str, sort_keys=True).encode()).hexdigest()

    def _injection_warnings(self, record: DebriefInput, transcript: Transcript) -> list[str]:
        texts = {
            f"The {kind.replace('_', ' ')}": text for kind, text in briefing_texts(self.interview.briefing).items()
        }
        texts |= {"The interviewer's notes": record.notes, "The sidebar chat": conversation(record.chat_history)}
        return injection_warnings(transcript.turns, texts)


def read_stored(stored: StoredDebrief) -> Debrief:
    """The stored debrief with its version number. Raises UnreadableRecord for a document of another version."""
    return read_document(Debrief, stored.document, "debrief").model_copy(update={"version": stored.version})


def _speaker(speaker: Speaker) -> DebriefSpeaker:
    return DebriefSpeaker(**asdict(speaker), by_elimination=speaker.because == BY_ELIMINATION)


def _content(briefing: Briefing | None) -> dict[str, Any] | None:
    """The fields that the interviewer entered, without the time of saving."""
    if briefing is None:
        return None
    return briefing.model_dump(exclude={"briefing_prompt", "updated_at"})


def _basis(record: DebriefInput, transcript: Transcript) -> Basis:
    """The best basis available. A transcript counts with at least twenty words of the candidate."""
    if transcript.candidate_words >= FEWEST_WORDS:
        return "transcript"
    if record.notes.strip():
        return "notes"
    if transcript.turns:
        return "none"
    return "chat" if any(message["content"].strip() for message in record.chat_history) else "none"
