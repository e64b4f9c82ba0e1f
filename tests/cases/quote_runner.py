"""Runs a case of tests/data/cases over HTTP: opens the room, scripts the model, asks for the debrief."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import respx
from fastapi.testclient import TestClient

from services.text.normalization import normalize
from tests.support.interviews import COMPLETIONS, completion, mock_daily

CASES = Path(__file__).parents[1] / "data/cases"


@dataclass(frozen=True)
class Case:
    """One case, with the text of its transcript."""

    id: str
    room: dict[str, str]
    transcript: str
    model_answer: dict[str, Any]
    expected: dict[str, Any]


def cases(*prefixes: str) -> list[Case]:
    """The cases whose id starts with one of the prefixes."""
    listed = json.loads((CASES / "cases.json").read_text(encoding="utf-8"))
    return [
        Case(
            id=case["id"],
            room={name: value for name, value in case["room"].items() if value is not None},
            transcript=(CASES / case["files"]["transcript"]).read_bytes().decode(),
            model_answer=case["model_answer"],
            expected=case["expected"],
        )
        for case in listed
        if case["id"].startswith(prefixes)
    ]


@dataclass(frozen=True)
class Outcome:
    """The debrief, and its report in each form."""

    debrief: dict[str, Any]
    reports: dict[str, str]

    def quotes(self) -> list[dict[str, Any]]:
        """Every quote of claims and ratings."""
        items = [*self.debrief["evidence"], *self.debrief["scorecard"]]
        return [quote for item in items for quote in item["quotes"]]


def run(case: Case, client: TestClient, vendors: respx.MockRouter) -> Outcome:
    """The debrief of the case."""
    mock_daily(vendors)
    answer = completion(json.dumps(case.model_answer))
    vendors.post(COMPLETIONS).mock(return_value=httpx.Response(200, json=answer))
    name = client.post("/api/rooms", json=case.room).json()["room_name"]
    response = client.post(f"/api/rooms/{name}/debrief", json={"transcript": case.transcript})
    assert response.status_code == case.expected["status"], response.text
    forms = case.expected.get("report", {})
    reports = {form: client.get(f"/api/rooms/{name}/debrief", headers={"accept": form}).text for form in forms}
    return Outcome(response.json(), reports)


def plain(text: str) -> str:
    """The letters and digits of a text, for comparison without white space, case and marks."""
    return "".join(filter(str.isalnum, normalize(text)))
