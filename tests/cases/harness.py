"""Runs the cases from public reports over HTTP; `tests/data/cases/README.md` says what a case holds and expects."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import httpx
import pytest
import respx
from fastapi.testclient import TestClient

from tests.support.interviews import COMPLETIONS, SAMPLES, completion, mock_daily, open_room

_CASES = SAMPLES / "cases"

WARNINGS = {
    "no_candidate": re.compile(r"(?=.*candidate)(?=.*nothing is rated)(?=.*(`speakers`|`Candidate:`))", re.DOTALL),
    "automated": re.compile(r"\b(AI|assistant|bot|program)\b.*not used as evidence"),
    "unlabelled": re.compile(r"without a speaker's name.*not used as evidence"),
    "elimination": re.compile(r"by elimination"),
}
ABOUT_SPEAKERS = re.compile(r"speaker|candidate|evidence|nam(?:e|ed)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Case:
    """One case. `expected` and `server` are as `README.md` describes them."""

    id: str
    kind: str
    room: dict[str, str]
    expected: dict[str, Any]
    transcript: str = ""
    model_answer: dict[str, Any] = field(default_factory=dict)
    mapping: dict[str, str] = field(default_factory=dict)
    call: str = "debrief"
    request: dict[str, Any] = field(default_factory=dict)
    server: list[dict[str, Any]] = field(default_factory=list)

    @property
    def body(self) -> dict[str, Any]:
        """What a client sends."""
        speakers = {"speakers": self.mapping} if self.mapping else {}
        return {"transcript": self.transcript, **speakers, **self.request}


@dataclass(frozen=True)
class SpokenTurn:
    """A turn in the form in which turns are compared."""

    speaker: str | None
    role: str
    at: str | None
    text: str


def load_cases(prefix: str) -> list[Any]:
    """The cases whose id begins so, as parameters of a test."""
    cases = json.loads((_CASES / "cases.json").read_text())
    return [pytest.param(_case(case), id=case["id"]) for case in cases if case["id"].startswith(prefix)]


def _case(case: dict[str, Any]) -> Case:
    known = {name: case[name] for name in Case.__dataclass_fields__ if case.get(name) is not None}
    file = case.get("files", {}).get("transcript")
    return Case(**known | {"transcript": (_CASES / file).read_bytes().decode() if file else ""})


def script_model(vendors: respx.MockRouter, case: Case) -> respx.Route:
    """Daily opens rooms, and the model gives the case's answer every time. Cases with a `server` need another one."""
    mock_daily(vendors)
    return vendors.post(COMPLETIONS).respond(json=completion(json.dumps(case.model_answer)))


def send(client: TestClient, case: Case) -> tuple[str, httpx.Response]:
    """A new room with the case's names, and the response to its call."""
    name = _open_room(client, case)
    route, _, streams = case.call.partition("-")
    headers = {"Accept": "text/event-stream"} if streams else {}
    return name, client.post(f"/api/rooms/{name}/{route}", json=case.body, headers=headers)


def _open_room(client: TestClient, case: Case) -> str:
    return open_room(client, **{key: value for key, value in case.room.items() if value is not None})


def read_turns(client: TestClient, case: Case) -> list[SpokenTurn]:
    """The turns of the case's transcript, stored in a new room with the case's names."""
    path = f"/api/rooms/{_open_room(client, case)}/transcript"
    saved = client.put(path, json={"transcript": case.transcript, "speakers": case.mapping})
    assert saved.status_code == 200, saved.text
    turns = client.get(path).json()["turns"]
    return [SpokenTurn(turn["speaker"], turn["role"], turn["at"], turn["text"]) for turn in turns]


def check_status(case: Case, response: httpx.Response, model: respx.Route) -> None:
    """Status, problem code and detail, and how often the model was asked."""
    expected = case.expected
    assert response.status_code == expected["status"], response.text
    if "code" in expected:
        assert response.json()["code"] == expected["code"]
    if "detail" in expected:
        assert re.search(expected["detail"], response.json()["detail"], re.IGNORECASE)
    if "model_calls_at_most" in expected:
        assert model.call_count <= expected["model_calls_at_most"]


def check_turns(case: Case, turns: Sequence[SpokenTurn]) -> None:
    """Every word in order, under the right speaker; furniture only in turns of an unknown role."""
    expected = [SpokenTurn(each["speaker"], each["role"], each["at"], each["text"]) for each in case.expected["turns"]]
    said = [turn for turn in turns if not _is_furniture(case, turn)]
    assert [squash(turn.text) for turn in _joined(said)] == [squash(turn.text) for turn in _joined(expected)]
    for actual, wanted in zip(_joined(said), _joined(expected), strict=True):
        assert actual.role in wanted.role
        assert _clock(actual.at) == _clock(wanted.at)
        assert actual.speaker == wanted.speaker or (wanted.speaker or "").startswith(f"{actual.speaker} ")
    for turn in turns:
        if turn.role in {"candidate", "interviewer"}:
            assert not any(furniture in turn.text for furniture in case.expected["furniture"])


def _is_furniture(case: Case, turn: SpokenTurn) -> bool:
    return turn.role == "unknown" and any(squash(turn.text) in squash(each) for each in case.expected["furniture"])


def _joined(turns: Sequence[SpokenTurn]) -> Iterator[SpokenTurn]:
    """Joins neighbouring turns of one speaker if the second one has no time of its own in the record."""
    for speaker, run in groupby(turns, key=lambda turn: (turn.speaker, _clock(turn.at))):
        first, *rest = run
        yield SpokenTurn(speaker[0], first.role, first.at, " ".join(turn.text for turn in (first, *rest)))


def check_evidence(case: Case, debrief: dict[str, Any]) -> None:
    """Expected quotes are found as the candidate's words, and words that are no evidence are not shown."""
    quotes = [quote for entry in debrief["evidence"] + debrief["scorecard"] for quote in entry["quotes"]]
    shown = [squash(quote["text"]) for quote in quotes]
    by_candidate = "".join(squash(quote["text"]) for quote in quotes if quote["speaker"] == "candidate")
    for words in case.expected["evidence"]["must"]:
        assert squash(words) in by_candidate
    for words in case.expected["evidence"]["never"]:
        assert not any(squash(words) in text or text in squash(words) for text in shown)
    for words in case.expected["evidence"]["may"]:
        assert {quote["speaker"] for quote in quotes if squash(quote["text"]) in squash(words)} <= {"unknown"}
    for words in case.expected["furniture"]:
        assert not any(words in quote["text"] for quote in quotes)


def check_ratings(case: Case, debrief: dict[str, Any]) -> None:
    """Only the rating with the candidate's words as evidence is kept; or nothing is rated."""
    ratings = [row["rating"] for row in debrief["scorecard"]]
    if case.expected["rated"]:
        assert ratings[0] is not None
        assert ratings[1:] == [None] * len(ratings[1:])
    else:
        assert ratings == [None] * len(ratings)
        assert debrief["recommendation"] == "N/A"


def check_warnings(case: Case, debrief: dict[str, Any]) -> None:
    """Each expected warning is there; where all speakers are known, none is about them."""
    for kind in case.expected["warnings"]:
        assert any(WARNINGS[kind].search(warning) for warning in debrief["warnings"]), kind
    if case.expected["quiet"]:
        assert [warning for warning in debrief["warnings"] if ABOUT_SPEAKERS.search(warning)] == []


def squash(text: str) -> str:
    """The text without white space, case and marks."""
    return "".join(character for character in text.casefold() if character.isalnum())


_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?[.,\d]*\s?([ap]m)?", re.IGNORECASE)


def _clock(at: str | None) -> int | None:
    """Seconds of a time in any spelling."""
    if at is None:
        return None
    match = _CLOCK.search(at)
    assert match, at
    first, second, third, half = match.groups()
    hours, minutes, seconds = (int(first), int(second), int(third)) if third else (0, int(first), int(second))
    return (hours % 12 + 12 * (half.lower() == "pm") if half else hours) * 3600 + minutes * 60 + seconds
