"""One whole interview with a language model of your own: what works, what was left out, tokens and times.

`python scripts/test_model.py --base-url http://localhost:11434/v1 --model llama3.2`. The service runs for as long as
this script, with video, voice and phone emulated. OPENROUTER_API_KEY and the LLM_ settings are taken from the
environment.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.support.api_server import running_api  # noqa: E402 (needs the path above)

FOCUS_AREAS = ["System design", "Incident response", "Kubernetes", "Mentoring"]
PATIENCE_SECONDS = 3600
"""Seconds for one answer: a model on a slow processor may take that long."""
IDLE_SECONDS = 600
WIDTH = 100
LOGGED = (" services.llm ", " services.upstream.model_client ", " refused: ")
"""Log lines that show how the service adapted to the model's server."""

Json = dict[str, Any]


class Failed(Exception):
    """A step that the service answered with a problem. The text is its sentence."""


def main() -> int:
    """Run the interview; 1 when a step failed."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as directory:
        with (
            running_api(Path(directory), workers=1, **_settings(arguments.base_url, arguments.model)) as service,
            httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS, trust_env=False) as client,
        ):
            failures = Interview(client).run()
        _print_adaptations(service.log)
    print(f"\n{'All steps worked.' if not failures else f'{failures} of the steps failed.'}")
    return min(failures, 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run one whole interview with a language model of your own.")
    parser.add_argument("--base-url", required=True, help="with its version part, such as http://localhost:11434/v1")
    parser.add_argument("--model", required=True, help="the model's name at that server")
    return parser.parse_args()


def _settings(base_url: str, model: str) -> dict[str, str]:
    patient = {"LLM_TIMEOUT_SECONDS": str(PATIENCE_SECONDS), "LLM_IDLE_TIMEOUT_SECONDS": str(IDLE_SECONDS)}
    chosen = {name: value for name, value in os.environ.items() if name.startswith(("LLM_", "OPENROUTER_"))}
    emulated = {"SANDBOX": "daily,openai,vapi"}
    return patient | chosen | emulated | {"OPENROUTER_BASE_URL": base_url, "OPENROUTER_MODEL": model}


class Interview:
    """The steps of an interview in which the model is asked."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._room = ""
        self._history: list[Json] = []

    def run(self) -> int:
        """Returns the number of failed steps."""
        steps = (
            ("Room and briefing", self._prepare),
            ("Sidebar, whole answer", self._ask),
            ("Sidebar, streamed, a second question", self._ask_streamed),
            ("Debrief", self._debrief),
        )
        return sum(not _step(title, work) for title, work in steps)

    def _prepare(self) -> None:
        opened = self._post("/api/rooms", interviewer_name="Jonas Weber", candidate_name="Maya Lindqvist")
        self._room = opened["room_name"]
        self._post(
            f"/api/rooms/{self._room}/briefing",
            candidate_name="Maya Lindqvist",
            role="Backend Engineer",
            resume_summary=(HERE / "resume.txt").read_text(),
            notes=(HERE / "job.txt").read_text(),
            focus_areas=FOCUS_AREAS,
        )

    def _ask(self) -> None:
        question = "What should I ask about system design?"
        answer = self._post(f"/api/rooms/{self._room}/chat", message=question)
        self._history = [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer["response"]},
        ]
        _show("answer", answer["response"])
        _show_cost(answer)

    def _ask_streamed(self) -> None:
        began = time.perf_counter()
        first: float | None = None
        body = {"message": "And about incidents?", "history": self._history}
        headers = {"Accept": "text/event-stream"}
        with self._client.stream("POST", f"/api/rooms/{self._room}/chat", json=body, headers=headers) as response:
            for name, data in _events(response):
                first = first or (time.perf_counter() - began if name == "delta" else None)
                if name == "done":
                    _show("answer", data["response"])
                    _show("first piece", f"after {first or 0:.1f} s")
                    _show_cost(data)
                elif name != "delta":
                    raise Failed(data.get("detail", "it ended without an answer"))

    def _debrief(self) -> None:
        debrief = self._post(f"/api/rooms/{self._room}/debrief", transcript=(HERE / "interview.vtt").read_text())
        grounding, score = debrief["grounding"], debrief["score"]
        _show("recommendation", debrief["recommendation"])
        _show("quotes found", f"{grounding['quotes_found']} of {grounding['quotes_proposed']}")
        _show("claims supported", f"{grounding['claims_supported']} of {grounding['claims_total']}")
        _show("competencies rated", f"{score['assessed']} of {score['total']}")
        _show_cost(debrief)

    def _post(self, path: str, **body: Any) -> Json:
        response = self._client.post(path, json=body)
        answer: Json = response.json()
        if response.is_error:
            raise Failed(f"{response.status_code} {answer['code']}: {answer['detail']}")
        return answer


def _step(title: str, work: Callable[[], None]) -> bool:
    """Run a step and print what came of it. Whether it worked."""
    print(f"\n{title}")
    began = time.perf_counter()
    try:
        work()
    except (Failed, httpx.TransportError) as error:
        _show("failed", str(error))
        return False
    _show("time", f"{time.perf_counter() - began:.1f} s")
    return True


def _events(response: httpx.Response) -> Iterator[tuple[str, Json]]:
    """Names and data of the events, or the one problem that came instead of them."""
    if "event-stream" not in response.headers.get("content-type", ""):
        response.read()
        yield "error", response.json()
        return
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def _show_cost(answer: Json) -> None:
    usage = answer["usage"]
    _show("tokens", f"{usage['prompt_tokens']} read, {usage['completion_tokens']} written, by {answer['model']}")
    for warning in answer["warnings"]:
        _show("warning", warning)


def _show(label: str, text: str) -> None:
    shown = " ".join(text.split())
    print(f"  {label}: {shown if len(shown) <= WIDTH or label in {'warning', 'failed'} else shown[:WIDTH] + ' …'}")


def _print_adaptations(log: str) -> None:
    lines = [line for line in log.splitlines() if any(source in line for source in LOGGED)]
    if lines:
        print("\nHow the service adapted to this server")
        print("\n".join(f"  {line}" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
