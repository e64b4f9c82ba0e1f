"""The question plan: asked from the model and checked, or written by the interviewer; read beside today's briefing."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from services.access.idempotency import Idempotency
from services.briefing import Briefing
from services.clock import Clock
from services.errors import BriefingNotFound, ProviderBadAnswer
from services.evidence.answer_fields import dropped_warnings
from services.evidence.plan import MINUTES_OF_A_QUESTION, VerifiedPlan, not_covered, refresh, verify_plan
from services.evidence.plan_edit import check_edit
from services.interview.threads import run_in_thread
from services.llm import LLM, PLAN_TOKENS, PlanReply
from services.plan import Plan, PlanEdit
from services.prompts.debrief import DEFAULT_COMPETENCIES
from services.prompts.injection import injection_warnings
from services.prompts.inputs import PROMPT_VERSION, SAMPLE_NONCE, briefing_texts
from services.prompts.plan import PlanPrompt
from services.prompts.tokens import estimate_prompt, fit_parts
from services.storage.documents import read_document
from services.storage.protocol import Storage
from services.storage.records import StoredPlan, StoredRoom
from services.storage.retrying import add_with_retry

log = logging.getLogger(__name__)

SHARES = {"resume": 1 / 2, "job_description": 1 / 2}
"""Of the model's context, where the two do not fit into it."""
NOTHING_LEFT = (
    "No question of the language model's plan could be used; add focus areas to the briefing, or use a larger model."
)

OnProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PlanService:
    """Makes the plans of one interview, which was found with its briefing and its plan."""

    llm: LLM
    storage: Storage
    once: Idempotency
    clock: Clock
    interview: StoredRoom
    is_emulated: bool

    async def make(self, minutes: int, on_progress: OnProgress) -> Plan:
        """A plan by the model, stored as a new version. `on_progress` is called with each stage.

        Identical requests at the same time make one plan. Raises BriefingNotFound, RoomNotFound when the room is erased
        meanwhile, ProviderBadAnswer where no question can be used, and the provider errors of `LLM`.
        """
        briefing = self._briefing()
        self.llm.require_configured()
        on_progress("planning")
        prompt, warnings = await asyncio.to_thread(self._prompt, briefing, minutes)
        input_hash = _hash(prompt, self.llm.model)
        async with self.once.lock(f"plan {self.interview.room.name} {input_hash}"):
            if made := await self._made_meanwhile(input_hash):
                return made
            reply = await self.llm.generate_plan(self.interview.room.name, prompt)
            on_progress("checking")
            verified = await run_in_thread(
                lambda should_stop: verify_plan(
                    reply.reading, prompt.focus_areas, briefing, minutes, should_stop=should_stop
                )
            )
            if not verified.questions:
                raise ProviderBadAnswer(NOTHING_LEFT)
            warnings += [*_reply_warnings(reply), *await asyncio.to_thread(_injection_warnings, briefing)]
            return await self._store(self._compose(verified, warnings, reply, input_hash))

    async def replace(self, edit: PlanEdit) -> Plan:
        """The interviewer's plan, stored as a new version.

        Raises BriefingNotFound, InvalidInput as `check_edit` says, and RoomNotFound when the room is erased meanwhile.
        """
        briefing = self._briefing()
        verified = await run_in_thread(lambda should_stop: check_edit(edit, briefing, should_stop=should_stop))
        return await self._store(self._compose(verified, [], None, None))

    def _briefing(self) -> Briefing:
        if self.interview.briefing is None:
            raise BriefingNotFound
        return self.interview.briefing

    def _prompt(self, briefing: Briefing, minutes: int) -> tuple[PlanPrompt, list[str]]:
        """The request as far as the model's context allows, and warnings about what was shortened.

        The candidate's name is left out: no question depends on it.
        """
        texts = briefing_texts(briefing)
        parts = {kind: texts[kind] for kind in ("role", "resume", "job_description")}
        areas: Sequence[str] = briefing.focus_areas
        if not areas and not texts["job_description"]:
            areas = DEFAULT_COMPETENCIES
        prompt = PlanPrompt({}, areas, minutes, minutes // MINUTES_OF_A_QUESTION)
        instructions = estimate_prompt(prompt.messages(SAMPLE_NONCE))
        tokens = self.llm.context_tokens - self.llm.cap(PLAN_TOKENS) - instructions
        fitted = fit_parts(parts, tokens, shares=SHARES, free_share=1)
        return replace(prompt, parts=fitted.parts), fitted.warnings

    async def _made_meanwhile(self, input_hash: str) -> Plan | None:
        """The plan of the same request that was stored while this one waited for it."""
        latest = await self.storage.find(self.interview.room.name, briefing=True, plan=True)
        seen = self.interview.plan.version if self.interview.plan else 0
        plan = current_plan(latest) if latest and latest.plan and latest.plan.version > seen else None
        return plan if plan and plan.input_hash == input_hash else None

    def _compose(
        self, verified: VerifiedPlan, warnings: Sequence[str], reply: PlanReply | None, input_hash: str | None
    ) -> Plan:
        return Plan(
            room_name=self.interview.room.name,
            version=0,
            made_by="model" if reply else "interviewer",
            minutes=sum(question.minutes for question in verified.questions),
            focus_areas=list(verified.focus_areas),
            questions=list(verified.questions),
            scales=list(verified.scales),
            not_covered=not_covered([area.name for area in verified.focus_areas], verified.questions),
            warnings=[*verified.warnings, *warnings],
            model=reply.model if reply else None,
            emulated=self.is_emulated and reply is not None,
            usage=reply.usage if reply else None,
            prompt_version=PROMPT_VERSION if reply else None,
            input_hash=input_hash,
            created_at=self.clock(),
        )

    async def _store(self, plan: Plan) -> Plan:
        """Store the plan, waiting a few seconds for a database that is away: it may have been paid for."""
        name, document = self.interview.room.name, plan.model_dump_json()
        version = await add_with_retry(lambda: self.storage.add_plan(name, plan.created_at, document))
        log.info("plan %d of %s made by %s", version, name, plan.model or plan.made_by)
        return plan.model_copy(update={"version": version})


def current_plan(interview: StoredRoom) -> Plan | None:
    """The latest plan of a room that was found with its briefing and its plan, beside that briefing."""
    if interview.plan is None:
        return None
    plan = _read(interview.plan)
    return refresh(plan, interview.briefing) if interview.briefing else plan


def competencies_of(interview: StoredRoom, plan: Plan | None) -> tuple[str, ...]:
    """What debriefs and people rate: the briefing's focus areas, else the plan's, else the defaults."""
    briefed = interview.briefing.focus_areas if interview.briefing else ()
    planned = tuple(area.name for area in plan.focus_areas) if plan else ()
    return briefed or planned or DEFAULT_COMPETENCIES


def _read(stored: StoredPlan) -> Plan:
    return read_document(Plan, stored.document, "plan").model_copy(update={"version": stored.version})


def _hash(prompt: PlanPrompt, model: str) -> str:
    made_of = [PROMPT_VERSION, model, *prompt.messages(SAMPLE_NONCE)]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def _reply_warnings(reply: PlanReply) -> list[str]:
    cut = [reply.prompt_warning] if reply.prompt_warning else []
    return [*cut, *dropped_warnings(reply.reading.dropped)]


def _injection_warnings(briefing: Briefing) -> list[str]:
    texts = briefing_texts(briefing)
    return injection_warnings((), {"The resume": texts["resume"], "The job description": texts["job_description"]})
