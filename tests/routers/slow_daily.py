"""A Daily on loopback that creates rooms only when a test allows it: for clients that disconnect before the answer."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import httpx

from tests.support.http_server import http_server
from tests.support.interviews import sample
from tests.support.waiting import LIMIT_SECONDS


class SlowDaily:
    """`asked` is set by the first request for a room; rooms are created once `released` is set."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = Event()
        self.released = Event()
        self.rooms: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path.endswith("/meeting-tokens"):
            return httpx.Response(200, json={"token": f"token-for-{body['properties']['room_name']}"})
        self.asked.set()
        self.released.wait(LIMIT_SECONDS)
        self.rooms.append(body["name"])
        room = {"name": body["name"], "url": f"https://team.daily.co/{body['name']}", "config": body["properties"]}
        return httpx.Response(200, json=sample("daily/room.json") | room)


@contextmanager
def slow_daily() -> Iterator[SlowDaily]:
    daily = SlowDaily()
    with http_server(daily.answer) as url:
        daily.url = f"{url}/v1"
        try:
            yield daily
        finally:
            daily.released.set()
