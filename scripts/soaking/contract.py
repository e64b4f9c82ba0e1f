"""What an answer may be: a documented status, and a problem document where it is none of success."""

import re
from typing import Any

import httpx

CALLS = re.compile(r"/api/rooms/[^/]+")
PHONE_CALL = re.compile(r"/call/[^/]+$")


class Contract:
    """Judges answers by the OpenAPI document of the running service."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._paths = document["paths"]

    def fault(self, answer: httpx.Response) -> str | None:
        """What is wrong with it, or None."""
        place = f"{answer.request.method} {self._template(answer.request.url.path)}"
        if str(answer.status_code) not in self._operation(answer)["responses"]:
            return f"{place}: status {answer.status_code} is not documented: {answer.text[:200]}"
        if answer.status_code >= 400:
            return self._fault_of_problem(place, answer)
        if answer.headers["content-type"].startswith("text/event-stream"):
            return _fault_of_stream(place, answer.text)
        return None

    def _operation(self, answer: httpx.Response) -> dict[str, Any]:
        operations: dict[str, Any] = self._paths[self._template(answer.request.url.path)]
        operation: dict[str, Any] = operations[answer.request.method.lower()]
        return operation

    def _fault_of_problem(self, place: str, answer: httpx.Response) -> str | None:
        if answer.headers["content-type"] != "application/problem+json":
            return f"{place}: {answer.status_code} is no problem document"
        problem = answer.json()
        if problem["status"] != answer.status_code or not problem["code"] or not problem["detail"]:
            return f"{place}: the problem document is not complete"
        if problem["request_id"] != answer.headers["x-request-id"]:
            return f"{place}: the request id is another one"
        return None

    @staticmethod
    def _template(path: str) -> str:
        return PHONE_CALL.sub("/call/{call_id}", CALLS.sub("/api/rooms/{name}", path))


def _fault_of_stream(place: str, text: str) -> str | None:
    names = re.findall(r"^event: (\w+)$", text, re.MULTILINE)
    terminal = [name for name in names if name in {"done", "error"}]
    if len(terminal) != 1 or names[-1] != terminal[0]:
        return f"{place}: a stream with {len(terminal)} terminal events"
    return None
