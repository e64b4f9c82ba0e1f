"""Clients that hold random interviews, and check that every acknowledged write is kept."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from scripts.soaking.contract import Contract

EVENTS = {"Accept": "text/event-stream"}
DISCONNECT_SECONDS = 1.5
"""A client that disconnects does so within this time."""
TRANSCRIPT = "Interviewer: What did you build?\nCandidate: I built a compiler and taught two classes, {number} times."


@dataclass
class Room:
    """The acknowledged writes of one room."""

    name: str
    notes: set[str] = field(default_factory=set)
    """Possible notes of the briefing: the acknowledged ones, and later ones whose response was lost."""
    questions: set[str] = field(default_factory=set)
    debrief_version: int = 0
    phone_calls: set[str] = field(default_factory=set)


@dataclass
class Results:
    """The observations of all clients."""

    rooms: list[Room] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Number of responses by kind of call and status."""
    failures: list[str] = field(default_factory=list)
    lost_at: list[float] = field(default_factory=list)
    """When a call got no response at all."""


class Interviewer:
    """One client. Records each acknowledged write, and checks them."""

    def __init__(self, client: httpx.AsyncClient, contract: Contract, results: Results) -> None:
        self._client = client
        self._contract = contract
        self._results = results

    async def hold_interviews(self, ends: float) -> None:
        """Hold one interview after another until this time."""
        while time.monotonic() < ends:
            answer = await self._call("POST", "/api/rooms", {"interviewer_name": "Ada"})
            if answer is None or answer.status_code != 201:
                continue
            room = Room(answer.json()["room_name"])
            for _ in range(random.randint(3, 12)):
                await random.choice(self._steps())(room)
            await self._keep_or_delete(room)

    async def check(self, room: Room) -> None:
        """Record a failure for each acknowledged write that is not there."""
        path = f"/api/rooms/{room.name}"
        await self._check_briefing(room, path)
        await self._check_chat(room, path)
        debrief = await self._call("GET", f"{path}/debrief") if room.debrief_version else None
        if debrief is not None:
            is_kept = debrief.status_code == 200 and debrief.json()["version"] >= room.debrief_version
            self._expect(is_kept, f"{path}: debrief {room.debrief_version} is lost")
        for call_id in room.phone_calls:
            call = await self._call("GET", f"{path}/briefing/call/{call_id}")
            self._expect(call is None or call.status_code != 404, f"{path}: phone call {call_id} is lost")

    async def check_deleted(self, name: str) -> None:
        answer = await self._call("GET", f"/api/rooms/{name}/briefing")
        self._expect(answer is None or answer.status_code == 404, f"{name}: deleted, but still found")

    def _steps(self) -> list[Callable[[Room], Awaitable[None]]]:
        often = [self._brief, self._ask, self._ask, self.check]
        return [*often, self._debrief, self._join, self._get_voice_token, self._phone, self._disconnect]

    async def _brief(self, room: Room) -> None:
        notes = (f"Notes {random.getrandbits(64):x} " * 20).strip()
        body = {"candidate_name": "Grace", "notes": notes, "focus_areas": ["Compilers", "Teaching"]}
        answer = await self._call("POST", f"/api/rooms/{room.name}/briefing", body)
        if answer is None:
            room.notes.add(notes)
        elif answer.status_code == 200:
            room.notes = {notes}

    async def _ask(self, room: Room) -> None:
        question = f"What next, {random.getrandbits(64):x}?"
        headers = random.choice([EVENTS, {}])
        answer = await self._call("POST", f"/api/rooms/{room.name}/chat", {"message": question}, headers)
        if answer is not None and answer.status_code == 200 and (not headers or "event: done" in answer.text):
            room.questions.add(question)

    async def _debrief(self, room: Room) -> None:
        body = {"transcript": TRANSCRIPT.format(number=random.randint(1, 3))}
        answer = await self._call("POST", f"/api/rooms/{room.name}/debrief", body)
        if answer is not None and answer.status_code == 200:
            room.debrief_version = max(room.debrief_version, answer.json()["version"])

    async def _phone(self, room: Room) -> None:
        answer = await self._call("POST", f"/api/rooms/{room.name}/briefing/call", {"phone_number": "+14155550100"})
        if answer is not None and answer.status_code == 202:
            room.phone_calls.add(answer.json()["call_id"])

    async def _join(self, room: Room) -> None:
        body = {"participant_name": "Grace", "participant_type": "candidate"}
        await self._call("POST", f"/api/rooms/{room.name}/join", body)

    async def _get_voice_token(self, room: Room) -> None:
        await self._call("POST", f"/api/rooms/{room.name}/realtime/token")

    async def _disconnect(self, room: Room) -> None:
        """Send a request and disconnect, mostly before the response."""
        headers = random.choice([EVENTS, {}])
        path = f"/api/rooms/{room.name}/{random.choice(['chat', 'debrief?regenerate=true'])}"
        body = {"message": "Too slow?", "transcript": TRANSCRIPT.format(number=0)}
        asking = asyncio.create_task(self._call("POST", path, body, headers))
        await asyncio.wait([asking], timeout=random.uniform(0, DISCONNECT_SECONDS))
        asking.cancel()
        await asyncio.wait([asking])

    async def _keep_or_delete(self, room: Room) -> None:
        """Delete one room in five."""
        if random.random() > 0.2:
            self._results.rooms.append(room)
            return
        answer = await self._call("DELETE", f"/api/rooms/{room.name}")
        if answer is not None and answer.status_code == 200:
            self._results.deleted.append(room.name)

    async def _check_briefing(self, room: Room, path: str) -> None:
        briefing = await self._call("GET", f"{path}/briefing")
        if briefing is None or not room.notes:
            return
        self._expect(briefing.status_code == 200, f"{path}: the briefing is lost ({briefing.status_code})")
        if briefing.status_code == 200:
            self._expect(briefing.json()["notes"] in room.notes, f"{path}: another briefing")

    async def _check_chat(self, room: Room, path: str) -> None:
        chat = await self._call("GET", f"{path}/chat")
        if chat is None or chat.status_code != 200:
            return
        kept = {turn["content"] for turn in chat.json()["turns"]}
        self._expect(room.questions <= kept, f"{path}: {len(room.questions - kept)} questions are lost")

    def _expect(self, is_true: bool, otherwise: str) -> None:  # noqa: FBT001 (reads as an assertion)
        if not is_true:
            self._results.failures.append(otherwise)

    async def _call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response | None:
        """The response, checked against the contract, or None where the connection broke."""
        try:
            answer = await self._client.request(method, path, json=body, headers=headers)
        except httpx.TransportError:
            self._results.lost_at.append(time.monotonic())
            return None
        self._results.answers[f"{method} {_kind(path)}", answer.status_code] += 1
        if violation := self._contract.violation(answer):
            self._results.failures.append(violation)
        return answer


def _kind(path: str) -> str:
    """`chat` of `/api/rooms/{name}/chat`, and so on; `room` of the room itself."""
    parts = path.partition("?")[0].split("/")
    return parts[4] if len(parts) > 4 else "room"
