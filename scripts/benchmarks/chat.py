"""Chat, beside FastAPI handlers that only proxy: with aiohttp, with one httpx client, with a client per request."""

from scripts.benchmarks.load import Figure, Load, measure, request_bytes
from scripts.benchmarks.processes import running_baselines, running_service
from scripts.benchmarks.table import Line, compared

MOST = 1.8
BRIEFING = {"candidate_name": "Grace Hopper", "role": "Compiler engineer", "resume_summary": "Wrote the A-0 linker."}
QUESTION = {"message": "What should I ask about the last project?"}


def bench(vendor_url: str, mode: str, *, in_flight: int, answers: int) -> list[Line]:
    """The cost of each, with this many calls in flight at the same vendor."""
    with (
        running_baselines(vendor_url) as baselines,
        running_service(vendor_url, mode, BRIEFING) as (program, room_path),
    ):
        least, ours = measure(
            Load(baselines, request_bytes("POST", f"/aiohttp/{mode}", QUESTION)),
            Load(program, request_bytes("POST", f"{room_path}/chat", QUESTION)),
            in_flight=in_flight,
            answers=answers,
        )
    return [
        _line("FastAPI + aiohttp, nothing else", least),
        _line("FastAPI + one httpx client", _slower(vendor_url, f"httpx/{mode}", in_flight, answers // 4)),
        _line(
            "FastAPI + an httpx client per request",
            _slower(vendor_url, f"client-per-request/{mode}", in_flight, answers // 40),
        ),
        _line("this service", ours),
        compared("relative to FastAPI + aiohttp, CPU", ours.cpu_milliseconds, least.cpu_milliseconds, MOST),
    ]


def _slower(vendor_url: str, handler: str, in_flight: int, answers: int) -> Figure:
    with running_baselines(vendor_url) as program:
        load = Load(program, request_bytes("POST", f"/{handler}", QUESTION))
        return measure(load, in_flight=in_flight, answers=answers)[0]


def _line(what: str, figure: Figure) -> Line:
    return Line(what, f"{figure.cpu_milliseconds:.3f} ms {figure.answers_a_second:7.0f}/s")
