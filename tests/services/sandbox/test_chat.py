import pytest

from services.sandbox.chat import EMULATED
from tests.services.sandbox.conftest import Connect
from tests.services.sandbox.requests import complete, content, messages

pytestmark = pytest.mark.anyio

RESUME = "- Cut the settlement job from six hours to forty minutes.\n- Taught a course on gardening."
JOB = "You will own the settlement of payouts.\nYou will run services on Kubernetes."
TRANSCRIPT = (
    "[T1 interviewer 00:00:10] What is your experience with Kubernetes?\n"
    "[T2 candidate 00:00:14] Honestly, I have never run a cluster. We had a platform team.\n"
    "[T3 interviewer 00:00:30] How long did the settlement take?"
)


@pytest.fixture
def ask(connect: Connect):
    async def answer(**blocks: str) -> str:
        async with connect("openrouter") as client:
            return content(await complete(client, messages(**blocks)))

    return answer


async def test_answer_quotes_the_source_that_fits_the_question(ask):
    answer = await ask(resume=RESUME, job_description=JOB, question="What about settlement?")

    assert "The resume says: “Cut the settlement job from six hours to forty minutes.”" in answer
    assert "The job description says: “You will own the settlement of payouts.”" in answer


async def test_another_question_gets_another_answer(ask):
    answer = await ask(resume=RESUME, job_description=JOB, question="Does she know gardening?")

    assert "The resume says: “Taught a course on gardening.”" in answer
    assert "The job description says" not in answer


async def test_the_transcript_is_used_with_the_number_of_the_turn(ask):
    answer = await ask(transcript=TRANSCRIPT, question="Has she worked with Kubernetes?")

    assert "In T2 the answer was: “Honestly, I have never run a cluster.”" in answer


async def test_the_context_is_used(ask):
    answer = await ask(context="She moves to Lisbon in May.", question="When does she move?")

    assert "Your context says: “She moves to Lisbon in May.”" in answer


async def test_answer_says_when_the_material_does_not_contain_it(ask):
    answer = await ask(resume=RESUME, question="Is she based in Berlin?")

    assert answer.startswith("The material does not contain an answer to that.")


async def test_request_for_questions_gets_questions_on_the_nearest_areas(ask):
    blocks = {"candidate_name": "Maya", "focus_areas": "Gardening\nTesting\nMentoring", "resume": RESUME}

    answer = await ask(**blocks, question="What should I ask about mentoring?")

    assert "Ask Maya, on Mentoring: “" in answer
    assert "on Gardening: “Your resume says: Taught a course on gardening." in answer


async def test_answer_without_material_says_that_nothing_is_saved(ask):
    answer = await ask(question="What should I ask?")

    assert answer.startswith("Nothing is saved about this interview")


async def test_plain_message_without_blocks_is_answered(connect: Connect):
    async with connect("openrouter") as client:
        answer = content(await complete(client, [{"role": "user", "content": "Hello?"}]))

    assert EMULATED in answer


async def test_every_answer_says_that_no_model_was_asked(ask):
    assert (await ask(resume=RESUME, question="What about settlement?")).endswith(EMULATED)


async def test_answer_has_a_maximum_length(ask):
    long = "The settlement of payouts is described at length here " * 50

    answer = await ask(resume=long, job_description=long, context=long, question="What about settlement?")

    assert len(answer.split()) < 200
