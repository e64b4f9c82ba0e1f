"""Reading a stored briefing, beside a bare FastAPI handler that returns the same model."""

from datetime import UTC, datetime

import httpx

from scripts.benchmarks.load import Figure, Load, measure, request_bytes
from scripts.benchmarks.processes import running_baselines, running_service
from scripts.benchmarks.table import Line, compared
from services.briefing import Briefing

IN_FLIGHT = 32
ANSWERS = 8000
MOST = 1.6

BRIEFING = Briefing(
    room_name="bench",
    candidate_name="Grace Hopper",
    role="Compiler engineer",
    resume_summary="Wrote the A-0 linker in 1952. " * 100,
    notes="We need an engineer who has shipped a compiler. " * 60,
    focus_areas=["Compilers", "Mentoring"],
    briefing_prompt="Prepare the interviewer. " * 250,
    updated_at=datetime(2026, 11, 23, tzinfo=UTC),
)


def bench(vendor_url: str) -> list[Line]:
    """The cost of both, and their ratio."""
    with (
        running_baselines(vendor_url) as baselines,
        running_service(vendor_url, "instant", BRIEFING.model_dump(mode="json")) as (program, room_path),
    ):
        path = f"{room_path}/briefing"
        size = len(httpx.get(program.url + path).content)
        loads = Load(baselines, request_bytes("GET", "/briefing")), Load(program, request_bytes("GET", path))
        baseline, ours = measure(*loads, in_flight=IN_FLIGHT, answers=ANSWERS)
    return [
        _line("bare FastAPI handler, the same model", baseline),
        _line(f"this service ({size // 1024} kB)", ours),
        compared("relative to the bare handler, CPU", ours.cpu_milliseconds, baseline.cpu_milliseconds, MOST),
    ]


def _line(what: str, figure: Figure) -> Line:
    return Line(what, f"{figure.cpu_milliseconds:.3f} ms {figure.answers_a_second:7.0f}/s")
