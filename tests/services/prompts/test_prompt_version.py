"""PROMPT_VERSION is part of every debrief, so it has to change with every wording that a model reads."""

import hashlib
import json
from datetime import UTC, datetime

from services.briefing import BriefingFields
from services.plan import Levels, Plan, PlannedQuestion, Scale
from services.prompts import phone
from services.prompts.briefing import briefing_prompt
from services.prompts.chat import chat_messages
from services.prompts.debrief import DebriefPrompt
from services.prompts.inputs import PROMPT_VERSION, SAMPLE_NONCE, PromptInputs
from services.prompts.plan import PlanPrompt, plan_text, scales_text
from services.prompts.structured import repair_messages
from services.prompts.voice_candidate import candidate_instructions

WORDINGS = {
    "2026-11-26": "b178073fd6dd454e",
    "2026-11-26.2": "a6473143af927f1a",
    "2026-11-26.3": "699bd88c7e94879c",
}
"""The hash of all wordings by version. Add a line with a new version; never change an old one."""

BRIEFING = BriefingFields(
    candidate_name="Grace Hopper",
    role="Engineer",
    resume_summary="Wrote a linker.",
    notes="A compiler team.",
    focus_areas=("Compilers",),
)
PLAN = Plan(
    room_name="room",
    version=1,
    made_by="interviewer",
    minutes=5,
    focus_areas=[],
    questions=[
        PlannedQuestion(
            id="q1", focus_area="Compilers", text="Why?", kind="behaviour", because=None, listen_for="Why.", minutes=5
        )
    ],
    scales=[Scale(focus_area="Compilers", levels=Levels(lowest="None.", middle="One.", highest="Many."))],
    not_covered=["Mentoring"],
    warnings=[],
    model=None,
    usage=None,
    prompt_version=None,
    input_hash=None,
    created_at=datetime(2026, 11, 26, tzinfo=UTC),
)
INPUTS = PromptInputs(
    BRIEFING,
    "Context.",
    "Notes.",
    "user: Why?",
    plan=plan_text(PLAN),
    scales=scales_text(PLAN.scales, ("Compilers",)),
    transcript="[T1 candidate] I did.",
)
HISTORY = (
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Why?"},
    {"role": "assistant", "content": "So."},
)


def wordings():
    """Every text that a model reads, made of the same inputs each time."""
    debrief = DebriefPrompt(INPUTS.parts(), ("Compilers",), (1,))
    nothing = BriefingFields(candidate_name="the candidate")
    return [
        debrief.messages(SAMPLE_NONCE),
        debrief.schema(True),
        *(
            (prompt.messages(SAMPLE_NONCE), prompt.schema(True))
            for prompt in (
                PlanPrompt({"resume": "A.", "job_description": "B."}, areas, 45, 9) for areas in ((), ("C",))
            )
        ),
        repair_messages((), "An answer.", "a problem"),
        chat_messages(INPUTS.parts(), HISTORY, "What next?", SAMPLE_NONCE),
        *(briefing_prompt(briefing, SAMPLE_NONCE) for briefing in (BRIEFING, nothing)),
        briefing_prompt(BRIEFING, SAMPLE_NONCE, PLAN),
        *(candidate_instructions(briefing, SAMPLE_NONCE) for briefing in (BRIEFING, None)),
        [phone.PHONE_SYSTEM_PROMPT, phone.PHONE_FIRST_MESSAGE, phone.briefing_template(SAMPLE_NONCE)],
        phone.spoken_briefing(BRIEFING),
    ]


def test_changed_wording_has_a_new_version():
    fingerprint = hashlib.sha256(json.dumps(wordings()).encode()).hexdigest()[:16]

    assert WORDINGS.get(PROMPT_VERSION) == fingerprint, (
        f"A wording has changed: set PROMPT_VERSION to a new version and add it to WORDINGS with {fingerprint!r}."
    )


def test_no_two_versions_have_the_same_wording():
    assert len(set(WORDINGS.values())) == len(WORDINGS)
