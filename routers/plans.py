"""The question plan of a room: made by the model, edited by the interviewer, read as JSON, page or Markdown."""

from typing import Annotated

from fastapi import APIRouter, Body, Response

from routers.accept import EVENTS, HTML, JSON, MARKDOWN, also_as, json_response, negotiate
from routers.access import AccessCheckedRoute, CallerRequest, LlmRequest
from routers.bodies import PLAN_BODY_BYTES
from routers.dependencies import RoomName
from routers.idempotency import IdempotencyDep
from routers.openapi import streamed
from routers.problems import BODY, problem_responses
from routers.schemas.debrief import ProgressEvent
from routers.streaming import open_stream, progress_event, stream_progress
from services.errors import PlanNotFound
from services.evidence.plan_report import render_plan_html, render_plan_markdown
from services.evidence.rendering import HTML_CSP
from services.interview.plan import OnProgress, PlanService, current_plan
from services.plan import Plan, PlanEdit, PlanRequest
from services.storage.records import StoredResponse

router = APIRouter(
    prefix="/api/rooms",
    tags=["plans"],
    responses=problem_responses(401, 422, 429, 503),
    route_class=AccessCheckedRoute,
)


@router.post(
    "/{name}/plan",
    response_model=Plan,
    operation_id="create_plan",
    responses=problem_responses(*BODY, 404, 409, 502, 504) | streamed("PlanEvent", progress=ProgressEvent, done=Plan),
)
async def create_plan(
    *,
    name: RoomName,
    body: Annotated[PlanRequest, Body(default_factory=PlanRequest)],
    request: LlmRequest,
    idempotency: IdempotencyDep,
) -> Response:
    """Make a plan from the briefing: what to ask, why, and what the ratings mean. One call of the model.

    Code cuts the line behind each question from the resume or the job description, and leaves out what must not be
    asked. A plan is completed and stored even when the client disconnects. With `Accept: text/event-stream`: `progress`
    events, then one `done` or `error`.
    """
    planning = await _planning(name, request)

    async def work(on_progress: OnProgress = lambda _: None) -> StoredResponse:
        return StoredResponse.of(await planning.make(body.minutes, on_progress))

    async def reported_work(on_progress: OnProgress) -> str:
        response = await idempotency.run_shielded(body, lambda: work(on_progress), room=name)
        return bytes(response.body).decode()

    if negotiate(request, JSON, EVENTS) == EVENTS:
        return await open_stream(stream_progress(reported_work, progress_event))
    return await idempotency.run_shielded(body, work, room=name)


@router.put(
    "/{name}/plan",
    response_model=Plan,
    operation_id="save_plan",
    max_body_size=PLAN_BODY_BYTES,
    responses=problem_responses(*BODY, 404, 502, 504),
)
async def save_plan(name: RoomName, body: PlanEdit, request: CallerRequest) -> Response:
    """Save the interviewer's plan, which replaces the latest one. Code looks for its sources again."""
    planning = await _planning(name, request)
    return json_response(await planning.replace(body))


@router.get(
    "/{name}/plan",
    response_model=Plan,
    operation_id="get_plan",
    responses=problem_responses(404, 502, 504) | also_as(HTML, MARKDOWN),
)
async def get_plan(name: RoomName, request: CallerRequest) -> Response:
    """Read the latest plan as JSON, or as a page to print with `Accept: text/html` or `text/markdown`."""
    interview = await request.rooms.get_own_room(name, briefing=True, plan=True)
    plan = current_plan(interview)
    if plan is None:
        raise PlanNotFound
    match negotiate(request, JSON, HTML, MARKDOWN):
        case "text/html":
            headers = {"Content-Security-Policy": HTML_CSP, "Vary": "Accept"}
            return Response(render_plan_html(plan, interview.briefing), headers=headers, media_type=HTML)
        case "text/markdown":
            markdown = render_plan_markdown(plan, interview.briefing)
            return Response(markdown, headers={"Vary": "Accept"}, media_type=MARKDOWN)
        case _:
            return json_response(plan, Vary="Accept")


async def _planning(name: str, request: CallerRequest) -> PlanService:
    services = request.services
    interview = await request.rooms.get_own_room(name, briefing=True, plan=True)
    return PlanService(
        llm=services.llm_charged_to(request.payer),
        storage=services.storage,
        once=services.idempotency,
        clock=services.clock,
        interview=interview,
        is_emulated="openrouter" in services.settings.sandbox,
    )
