"""A chat, beside a hand-written FastAPI + aiohttp handler that does nothing else, plain httpx, a client per request."""

from scripts.benchmarks.load import Figure, measure, request_bytes
from scripts.benchmarks.processes import running_baselines, running_service
from scripts.benchmarks.table import Line, compared

MOST = 2.0
BRIEFING = {"candidate_name": "Grace Hopper", "role": "Compiler engineer", "resume_summary": "Wrote the A-0 linker."}
QUESTION = {"message": "What should I ask about her last project?"}


def bench(vendor_url: str, way: str, *, in_flight: int, answers: int) -> list[Line]:
    """Every way of calling the same vendor, with so many calls in flight."""
    figures = _baselines(vendor_url, way, in_flight, answers)
    with running_service(vendor_url, way, BRIEFING) as (program, url, room_path):
        request = request_bytes("POST", f"{room_path}/chat", QUESTION)
        ours = measure(program, url, request, in_flight=in_flight, answers=answers)
    lines = [_line(name, figure) for name, figure in figures.items()]
    least = figures["FastAPI + aiohttp, nothing else"].cpu_milliseconds
    return [
        *lines,
        _line("this service", ours),
        compared("this service beside FastAPI + aiohttp, CPU", ours.cpu_milliseconds, least, MOST),
    ]


def _baselines(vendor_url: str, way: str, in_flight: int, answers: int) -> dict[str, Figure]:
    ways = {
        "FastAPI + aiohttp, nothing else": ("aiohttp", answers),
        "FastAPI + one httpx client": ("httpx", answers // 4),
        "FastAPI + an httpx client per request": ("client-per-request", max(in_flight, answers // 40)),
    }
    figures: dict[str, Figure] = {}
    for name, (handler, count) in ways.items():
        with running_baselines(vendor_url) as (program, url):
            request = request_bytes("POST", f"/{handler}/{way}", QUESTION)
            figures[name] = measure(program, url, request, in_flight=in_flight, answers=count)
    return figures


def _line(what: str, figure: Figure) -> Line:
    return Line(what, f"{figure.cpu_milliseconds:.3f} ms {figure.answers_a_second:7.0f}/s")
