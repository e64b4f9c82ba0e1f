"""Checks of responses against the OpenAPI document: a documented status, and a problem document for every error."""

import re
from typing import Any

import httpx

ROOM = re.compile(r"/api/rooms/[^/]+")
PHONE_CALL = re.compile(r"/call/[^/]+$")


class Contract:
    """The OpenAPI document of the running service."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._paths = document["paths"]

    def violation(self, answer: httpx.Response) -> str | None:
        """Returns the violation of the document by a response, or None."""
        place = f"{answer.request.method} {self._template(answer.request.url.path)}"
        if str(answer.status_code) not in self._operation(answer)["responses"]:
            return f"{place}: status {answer.status_code} is not documented: {answer.text[:200]}"
        if answer.status_code >= 400:
            return self._violation_of_problem(place, answer)
        if answer.headers["content-type"].startswith("text/event-stream"):
            return _violation_of_stream(place, answer.text)
        return None

    def _operation(self, answer: httpx.Response) -> dict[str, Any]:
        operations: dict[str, Any] = self._paths[self._template(answer.request.url.path)]
        operation: dict[str, Any] = operations[answer.request.method.lower()]
        return operation

    def _violation_of_problem(self, place: str, answer: httpx.Response) -> str | None:
        if answer.headers["content-type"] != "application/problem+json":
            return f"{place}: {answer.status_code} without a problem document"
        problem = answer.json()
        if problem["status"] != answer.status_code or not problem["code"] or not problem["detail"]:
            return f"{place}: incomplete problem document"
        if problem["request_id"] != answer.headers["x-request-id"]:
            return f"{place}: two different request ids"
        return None

    @staticmethod
    def _template(path: str) -> str:
        return PHONE_CALL.sub("/call/{call_id}", ROOM.sub("/api/rooms/{name}", path))


def _violation_of_stream(place: str, text: str) -> str | None:
    names = re.findall(r"^event: (\w+)$", text, re.MULTILINE)
    terminal = [name for name in names if name in {"done", "error"}]
    if len(terminal) != 1 or names[-1] != terminal[0]:
        return f"{place}: a stream with {len(terminal)} terminal events"
    return None
