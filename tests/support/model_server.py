"""A language model server for tests: answers by rules, over real HTTP, and records its requests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


class ScriptedModel:
    """The first rule whose `if` fits the request answers, at most `times` times.

    `if` maps dotted paths to values. A rule has `content` (an ordinary completion), `json` with `status` and `headers`,
    `text` likewise, or `sse`: the pieces of an event stream. `hangs_after` is the number of pieces after which nothing
    more comes; 0 is before the head of the answer.
    """

    def __init__(self, *rules: Json) -> None:
        self._rules = [dict(rule) for rule in rules]
        self._lock = threading.Lock()
        self.url = ""
        self.requests: list[Json] = []
        self.is_stopping = threading.Event()

    def rule_for(self, body: Json) -> Json:
        with self._lock:
            self.requests.append(body)
            rule = next(rule for rule in self._rules if rule.get("times", 1) > 0 and _fits(rule, body))
            if "times" in rule:
                rule["times"] -= 1
            return rule


def _fits(rule: Json, body: Json) -> bool:
    return all(_at(body, path) == value for path, value in rule.get("if", {}).items())


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def completion(content: Any, **changes: Any) -> Json:
    """An ordinary completion."""
    message = {"role": "assistant", "content": content}
    return {"model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]} | changes


def deltas(*contents: str, finish_reason: str = "stop", **last: Any) -> list[str]:
    """The pieces of an event stream with these contents."""
    chunks = [{"index": 0, "delta": {"content": content}, "finish_reason": None} for content in contents]
    chunks.append({"index": 0, "delta": {}, "finish_reason": finish_reason})
    events = [f"data: {json.dumps({'model': 'm', 'choices': [chunk]})}\n\n" for chunk in chunks]
    return [*events, f"data: {json.dumps({'choices': [], **last})}\n\n", "data: [DONE]\n\n"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        rule = self.server.model.rule_for(body)
        if rule.get("hangs_after") == 0:
            self._hang()
        elif "sse" in rule:
            self._stream(rule["sse"], rule.get("hangs_after"))
        else:
            self._send(rule)

    def _send(self, rule: Json) -> None:
        document = completion(rule["content"]) if "content" in rule else rule.get("json")
        content = rule["text"].encode() if "text" in rule else json.dumps(document).encode()
        self.send_response(rule.get("status", 200))
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        for name, value in (headers | rule.get("headers", {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, pieces: list[str], hangs_after: int | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces[:hangs_after]:
            content = piece.encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
            self.wfile.flush()
        if hangs_after is None:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self._hang()

    def _hang(self) -> None:
        self.server.model.is_stopping.wait()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """No access log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    model: ScriptedModel


@contextmanager
def model_server(*rules: Json) -> Iterator[ScriptedModel]:
    """A running server; `url` is its base URL with the version part."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.model = ScriptedModel(*rules)
    server.model.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.model
    finally:
        server.model.is_stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
