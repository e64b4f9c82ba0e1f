"""One whole interview with the client that openapi-python-client generates.

    python interview.py BASE_URL API_KEY TRANSCRIPT

It prints what came back as JSON. The package `interview_room_api` is generated beside it.
"""

import json
import sys
from collections.abc import Iterator
from http import HTTPStatus
from typing import TypeVar

import httpx
from interview_room_api import AuthenticatedClient
from interview_room_api.api.plans import create_plan, save_plan
from interview_room_api.api.reviews import get_ratings, save_decision, submit_ratings
from interview_room_api.api.rooms import (
    chat,
    create_room,
    delete_room,
    get_briefing,
    get_debrief,
    join_room,
    save_briefing,
)
from interview_room_api.api.transcripts import save_transcript
from interview_room_api.models import (
    BriefingRequest,
    ChatEventDelta,
    ChatEventDone,
    ChatRequest,
    CompetencyRatingRequest,
    Debrief,
    DebriefEventDone,
    DebriefEventProgress,
    DebriefRequest,
    DecisionRequest,
    DecisionRequestDecision,
    JoinRequest,
    JoinRequestParticipantType,
    Plan,
    PlanEdit,
    PlanRequest,
    Problem,
    ProblemCode,
    QuestionEdit,
    RatingsRequest,
    RoomRequest,
    Submission,
    TranscriptRequest,
)

Answer = TypeVar("Answer")


class ProblemError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.code: ProblemCode = problem.code


def expect(answer: Answer | Problem | None) -> Answer:
    """The answer of a call. Raises ProblemError for a problem."""
    if isinstance(answer, Problem):
        raise ProblemError(answer)
    assert answer is not None
    return answer


def events(client: AuthenticatedClient, path: str, body: ChatRequest | DebriefRequest) -> Iterator[tuple[str, str]]:
    """The name and the data of each event of a streamed answer."""
    with client.get_httpx_client().stream(
        "POST", path, json=body.to_dict(), headers={"Accept": "text/event-stream"}
    ) as response:
        response.raise_for_status()
        name = ""
        for line in response.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, value


def read_chat(client: AuthenticatedClient, path: str, question: ChatRequest) -> str:
    shown = ""
    for name, data in events(client, path, question):
        event = {"event": name, "data": json.loads(data)}
        if name == "delta":
            shown += ChatEventDelta.from_dict(event).data.text
        else:
            assert ChatEventDone.from_dict(event).data.response == shown
    return shown


def read_debrief(client: AuthenticatedClient, path: str, request: DebriefRequest) -> tuple[list[str], Debrief]:
    stages: list[str] = []
    for name, data in events(client, path, request):
        event = {"event": name, "data": json.loads(data)}
        if name == "progress":
            stages.append(DebriefEventProgress.from_dict(event).data.stage)
        else:
            debrief = DebriefEventDone.from_dict(event).data
            assert isinstance(debrief, Debrief), "its ratings are hidden from a person who has yet to rate"
            return stages, debrief
    raise AssertionError("the stream has no terminal event")


def plan_questions(client: AuthenticatedClient, room_name: str) -> tuple[Plan, Plan]:
    """A plan by the model, and the same without its last question, as an interviewer saves it."""
    plan = expect(create_plan.sync(room_name, client=client, body=PlanRequest(minutes=30)))
    kept = [QuestionEdit.from_dict(question.to_dict()) for question in plan.questions[:-1]]
    return plan, expect(save_plan.sync(room_name, client=client, body=PlanEdit(questions=kept)))


def rate(client: AuthenticatedClient, room_name: str) -> Submission:
    rating = CompetencyRatingRequest(competency="Compilers", rating=4, note="Wrote one.")
    return expect(submit_ratings.sync(room_name, "ada", client=client, body=RatingsRequest(ratings=[rating])))


def interview(client: AuthenticatedClient, transcript: str) -> dict[str, object]:
    opened = create_room.sync_detailed(client=client, body=RoomRequest(interviewer_name="Ada"))
    room = expect(opened.parsed)
    name, path = room.room_name, f"/api/rooms/{room.room_name}"
    participant = JoinRequest(participant_name="Grace", participant_type=JoinRequestParticipantType.CANDIDATE)
    joined = expect(join_room.sync(name, client=client, body=participant))
    brief = BriefingRequest(candidate_name="Grace", focus_areas=["Compilers"])
    briefing = expect(save_briefing.sync(name, client=client, body=brief))
    plan, edited = plan_questions(client, name)
    answer = expect(chat.sync(name, client=client, body=ChatRequest(message="What should I ask?")))
    streamed = read_chat(client, f"{path}/chat", ChatRequest(message="And then?"))
    record = expect(save_transcript.sync(name, client=client, body=TranscriptRequest(transcript=transcript)))
    submission = rate(client, name)
    stages, debrief = read_debrief(client, f"{path}/debrief?rater=ada", DebriefRequest())
    stored = get_debrief.sync(name, client=client, rater="ada")
    assert isinstance(stored, Debrief)
    compared = expect(get_ratings.sync(name, client=client, rater="ada"))
    decided = DecisionRequest(decision=DecisionRequestDecision.ADVANCE, reasons="Wrote a compiler.", rater="ada")
    decision = expect(save_decision.sync(name, client=client, body=decided))
    receipt = expect(delete_room.sync(name, client=client))
    gone = get_briefing.sync_detailed(name, client=client)
    assert isinstance(gone.parsed, Problem)
    assert gone.status_code is HTTPStatus.NOT_FOUND
    return {
        "location": opened.headers["Location"],
        "token": joined.token,
        "endsAt": joined.expires_at.isoformat(),
        "prompt": briefing.briefing_prompt,
        "minutes": sum(question.minutes for question in plan.questions),
        "editedBy": edited.made_by.value,
        "questionsLeftOut": len(plan.questions) - len(edited.questions),
        "answer": answer.response,
        "streamed": streamed,
        "candidate": next((person.label for person in record.speakers if person.role == "candidate"), None),
        "isIndependent": submission.independent,
        "stages": stages,
        "recommendation": debrief.recommendation.value,
        "quotes": [quote.text for claim in debrief.evidence for quote in claim.quotes],
        "isStored": stored.version == debrief.version,
        "compared": [[person.rating for person in row.people] for row in compared.agreement or []],
        "decision": decision.decision.value,
        "deletedRooms": receipt.deleted.room,
        "afterwards": gone.parsed.code.value,
    }


if __name__ == "__main__":
    base_url, api_key, transcript = sys.argv[1:]
    options = {"trust_env": False}
    with AuthenticatedClient(base_url, token=api_key, timeout=httpx.Timeout(120), httpx_args=options) as opened_client:
        sys.stdout.write(json.dumps(interview(opened_client, transcript)))
