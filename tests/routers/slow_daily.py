"""A Daily on loopback that answers when it is let: for calls whose callers leave before the answer."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from tests.support.interviews import sample


class SlowDaily(ThreadingHTTPServer):
    """`asked` is set by the first request for a room; rooms are made once `released` is."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Call)
        self.asked = Event()
        self.released = Event()
        self.rooms: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Call(BaseHTTPRequestHandler):
    server: SlowDaily

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/meeting-tokens"):
            self.answer({"token": f"token-for-{body['properties']['room_name']}"})
            return
        self.server.asked.set()
        self.server.released.wait(30)
        self.server.rooms.append(body["name"])
        room = {"name": body["name"], "url": f"https://team.daily.co/{body['name']}", "config": body["properties"]}
        self.answer(sample("daily/room.json") | room)

    def answer(self, document: object) -> None:
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def slow_daily() -> Iterator[SlowDaily]:
    with SlowDaily() as daily:
        thread = Thread(target=daily.serve_forever)
        thread.start()
        try:
            yield daily
        finally:
            daily.released.set()
            daily.shutdown()
            thread.join()
