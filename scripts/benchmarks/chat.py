"""Chat, beside FastAPI handlers that only proxy: with aiohttp, with one httpx client, with a client per request."""

from scripts.benchmarks.load import Figure, measure, request_bytes
from scripts.benchmarks.processes import running_baselines, running_service
from scripts.benchmarks.table import Line, compared

MOST = 1.8
BRIEFING = {"candidate_name": "Grace Hopper", "role": "Compiler engineer", "resume_summary": "Wrote the A-0 linker."}
QUESTION = {"message": "What should I ask about the last project?"}


def bench(vendor_url: str, mode: str, *, in_flight: int, answers: int) -> list[Line]:
    """The cost of each, with this many calls in flight at the same vendor."""
    figures = _baselines(vendor_url, mode, in_flight, answers)
    with running_service(vendor_url, mode, BRIEFING) as (program, room_path):
        request = request_bytes("POST", f"{room_path}/chat", QUESTION)
        ours = measure(program, request, in_flight=in_flight, answers=answers)
    lines = [_line(name, figure) for name, figure in figures.items()]
    least = figures["FastAPI + aiohttp, nothing else"].cpu_milliseconds
    return [
        *lines,
        _line("this service", ours),
        compared("relative to FastAPI + aiohttp, CPU", ours.cpu_milliseconds, least, MOST),
    ]


def _baselines(vendor_url: str, mode: str, in_flight: int, answers: int) -> dict[str, Figure]:
    handlers = {
        "FastAPI + aiohttp, nothing else": ("aiohttp", answers),
        "FastAPI + one httpx client": ("httpx", answers // 4),
        "FastAPI + an httpx client per request": ("client-per-request", max(in_flight, answers // 40)),
    }
    figures: dict[str, Figure] = {}
    for name, (handler, count) in handlers.items():
        with running_baselines(vendor_url) as program:
            request = request_bytes("POST", f"/{handler}/{mode}", QUESTION)
            figures[name] = measure(program, request, in_flight=in_flight, answers=count)
    return figures


def _line(what: str, figure: Figure) -> Line:
    return Line(what, f"{figure.cpu_milliseconds:.3f} ms {figure.answers_a_second:7.0f}/s")
