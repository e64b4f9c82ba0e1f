"""Interviewers who do everything that can be done, at random, and remember what they were promised."""

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
LONGEST_PATIENCE = 1.5
"""Seconds after which a visitor in a hurry leaves."""
RECORD = "Interviewer: What did you build?\nCandidate: I built a compiler and taught two classes, {number} times."


@dataclass
class Promise:
    """One room, and what was acknowledged for it."""

    name: str
    briefings: set[str] = field(default_factory=set)
    """Notes of the briefing: one, unless later ones were sent and never acknowledged."""
    questions: set[str] = field(default_factory=set)
    debriefs: int = 0
    """The highest version that was acknowledged."""
    calls: set[str] = field(default_factory=set)


@dataclass
class Diary:
    """What happened, all visitors together."""

    rooms: list[Promise] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    """When a call got no answer at all."""


class Visitor:
    """One of them. Each call either is answered, or is known not to be."""

    def __init__(self, client: httpx.AsyncClient, contract: Contract, diary: Diary) -> None:
        self._client = client
        self._contract = contract
        self._diary = diary

    async def visit(self, ends: float) -> None:
        """Interview after interview until then."""
        while time.monotonic() < ends:
            answer = await self._call("POST", "/api/rooms", {"interviewer_name": "Ada"})
            if answer is None or answer.status_code != 201:
                continue
            promise = Promise(answer.json()["room_name"])
            for _ in range(random.randint(3, 12)):
                await random.choice(self._deeds())(promise)
            await self._leave(promise)

    def _deeds(self) -> list[Callable[[Promise], Awaitable[None]]]:
        often = [self._brief, self._ask, self._ask, self._read]
        return [*often, self._debrief, self._join, self._talk, self._phone, self._hurry]

    async def _brief(self, promise: Promise) -> None:
        notes = f"Notes {random.getrandbits(64):x} " * 20
        body = {"candidate_name": "Grace", "notes": notes.strip(), "focus_areas": ["Compilers", "Teaching"]}
        answer = await self._call("POST", f"/api/rooms/{promise.name}/briefing", body)
        if answer is None:
            promise.briefings.add(notes.strip())
        elif answer.status_code == 200:
            promise.briefings = {notes.strip()}

    async def _ask(self, promise: Promise) -> None:
        question = f"What next, {random.getrandbits(64):x}?"
        headers = random.choice([EVENTS, {}])
        answer = await self._call("POST", f"/api/rooms/{promise.name}/chat", {"message": question}, headers)
        if answer is not None and answer.status_code == 200 and (not headers or "event: done" in answer.text):
            promise.questions.add(question)

    async def _debrief(self, promise: Promise) -> None:
        body = {"transcript": RECORD.format(number=random.randint(1, 3))}
        answer = await self._call("POST", f"/api/rooms/{promise.name}/debrief", body)
        if answer is not None and answer.status_code == 200:
            promise.debriefs = max(promise.debriefs, answer.json()["version"])

    async def _phone(self, promise: Promise) -> None:
        answer = await self._call("POST", f"/api/rooms/{promise.name}/briefing/call", {"phone_number": "+14155550100"})
        if answer is not None and answer.status_code == 202:
            promise.calls.add(answer.json()["call_id"])

    async def _join(self, promise: Promise) -> None:
        body = {"participant_name": "Grace", "participant_type": "candidate"}
        await self._call("POST", f"/api/rooms/{promise.name}/join", body)

    async def _talk(self, promise: Promise) -> None:
        await self._call("POST", f"/api/rooms/{promise.name}/realtime/token")

    async def _read(self, promise: Promise) -> None:
        await self.check(promise)

    async def _hurry(self, promise: Promise) -> None:
        """Ask, and leave before the answer is there."""
        headers = random.choice([EVENTS, {}])
        path = f"/api/rooms/{promise.name}/{random.choice(['chat', 'debrief?regenerate=true'])}"
        body = {"message": "Too slow?", "transcript": RECORD.format(number=0)}
        asking = asyncio.create_task(self._call("POST", path, body, headers))
        await asyncio.wait([asking], timeout=random.uniform(0, LONGEST_PATIENCE))
        asking.cancel()
        await asyncio.wait([asking])

    async def _leave(self, promise: Promise) -> None:
        """Most rooms stay; some are erased."""
        if random.random() > 0.2:
            self._diary.rooms.append(promise)
            return
        answer = await self._call("DELETE", f"/api/rooms/{promise.name}")
        if answer is not None and answer.status_code == 200:
            self._diary.erased.append(promise.name)

    async def check(self, promise: Promise) -> None:
        """Everything that was acknowledged is there."""
        path = f"/api/rooms/{promise.name}"
        briefing = await self._call("GET", f"{path}/briefing")
        if briefing is not None and promise.briefings:
            self._expect(briefing.status_code == 200, f"{path}: the briefing is gone ({briefing.status_code})")
            if briefing.status_code == 200:
                self._expect(briefing.json()["notes"] in promise.briefings, f"{path}: another briefing")
        await self._check_chat(promise, path)
        debrief = await self._call("GET", f"{path}/debrief") if promise.debriefs else None
        if debrief is not None:
            is_there = debrief.status_code == 200 and debrief.json()["version"] >= promise.debriefs
            self._expect(is_there, f"{path}: debrief {promise.debriefs} is gone")
        for call_id in promise.calls:
            call = await self._call("GET", f"{path}/briefing/call/{call_id}")
            self._expect(call is None or call.status_code != 404, f"{path}: call {call_id} is gone")

    async def _check_chat(self, promise: Promise, path: str) -> None:
        chat = await self._call("GET", f"{path}/chat")
        if chat is None or chat.status_code != 200:
            return
        kept = {turn["content"] for turn in chat.json()["turns"]}
        self._expect(promise.questions <= kept, f"{path}: {len(promise.questions - kept)} questions are gone")

    async def check_erased(self, name: str) -> None:
        answer = await self._call("GET", f"/api/rooms/{name}/briefing")
        self._expect(answer is None or answer.status_code == 404, f"{name}: erased, and still there")

    def _expect(self, is_so: bool, otherwise: str) -> None:  # noqa: FBT001 (reads as an assertion)
        if not is_so:
            self._diary.faults.append(otherwise)

    async def _call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response | None:
        try:
            answer = await self._client.request(method, path, json=body, headers=headers)
        except httpx.TransportError:
            self._diary.lost.append(time.monotonic())
            return None
        kind = path.partition("?")[0].split("/", 4)[-1] if path.count("/") > 3 else "room"
        self._diary.answers[f"{method} {kind.partition('/')[0]}", answer.status_code] += 1
        if fault := self._contract.fault(answer):
            self._diary.faults.append(fault)
        return answer
