"""Pure ASGI around every call: what each answer carries, the last-resort 500, the end of a call, the body limit.

And around the start, to say in one line why it failed.
"""

import asyncio
import logging
import re
import sys
from collections.abc import Mapping
from secrets import token_hex
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config import UnusableSetting
from logs import request_id_of_log
from routers.problems import TOO_LARGE, ProblemResponse, crash_problem, problem, problem_response
from routers.streaming import error_event
from services.errors import Forbidden, InvalidInput, PayloadTooLarge, ShuttingDown
from services.shutdown import Shutdown, uncancel

log = logging.getLogger(__name__)

_SANE_REQUEST_ID = re.compile(r"^[A-Za-z0-9._~-]{1,128}$")

WATCH_AFTER_SECONDS = 0.05
"""How long a call runs before somebody looks whether its caller is still there."""

API_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""For an API that answers with people's interviews. A page sets its own policy, which then stands."""


class RequestIdAndHeadersMiddleware:
    """Gives the call an id, and every answer the headers that all of them carry."""

    def __init__(self, app: ASGIApp, *, is_sandbox: bool) -> None:
        self.app = app
        self._headers = _raw(API_HEADERS | ({"X-Sandbox": "true"} if is_sandbox else {}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"] = request_id = _request_id(scope)
        request_id_of_log.set(request_id)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [*self._headers, *_raw(state.get("answer_headers", {})), (b"x-request-id", request_id.encode())]
                set_already = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(entry for entry in own if entry[0] not in set_already)]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _request_id(scope: Scope) -> str:
    sent = Headers(scope=scope).get("x-request-id", "")
    return sent if _SANE_REQUEST_ID.match(sent) else token_hex(16)


class DisconnectAndShutdownMiddleware:
    """The last resort, and the end of a call whose caller has left or whose process is being stopped.

    Sits inside CORS, so that a page can read these answers too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        call = _Call(receive)
        if scope["method"] == "GET":
            call.watch_soon()
        shutdown: Shutdown = scope["state"]["services"].shutdown
        try:
            with shutdown.running(call.stop):
                await self.app(scope, call.receive, answer.send)
        except asyncio.CancelledError:
            if not (call.is_left or call.is_stopped):
                raise
            uncancel()
            if call.is_stopped:
                stopping = ShuttingDown("The server is being restarted; try again in a moment.", retry_after=5)
                await answer.finish(problem(stopping, scope), problem_response(stopping, scope), scope)
        except Exception:
            log.exception("unexpected failure")
            document = crash_problem(scope)
            await answer.finish(document, ProblemResponse(document, 500), scope)
        finally:
            call.close()


class _Answer:
    """How far the answer has got, so that it can be ended in its own form."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_started = False
        self._is_stream = False
        self._is_complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._is_started = True
            self._is_stream = any(value.startswith(b"text/event-stream") for _, value in message["headers"])
        else:
            self._is_complete = not message.get("more_body", False)
        await self._send(message)

    async def finish(self, document: dict[str, Any], response: ProblemResponse, scope: Scope) -> None:
        if not self._is_started:
            await response(scope, _nothing, self._send)
        elif self._is_stream and not self._is_complete:
            await self._send({"type": "http.response.body", "body": error_event(document), "more_body": False})


class _Call:
    """Watches, once the body is read, for the caller's leaving, and cancels the call then.

    A GET has no body, so it is watched from the start. Most calls are over
    before it is worth making a task for that.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._task = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self.is_left = False
        self.is_stopped = False

    async def receive(self) -> Message:
        if self._timer is not None:
            self._watch_now()
            await self._gone.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self.watch_soon()
        return message

    def watch_soon(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self._watch_now)

    def _watch_now(self) -> None:
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())

    def close(self) -> None:
        self._task = None
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()

    def stop(self) -> None:
        """The process ends before this call does."""
        self.is_stopped = True
        self._cancel()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()
        self.is_left = True
        self._cancel()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None


class Cors(CORSMiddleware):
    """Starlette's, but for a refusal beforehand: that is a problem document too."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        refusal = Forbidden("This origin, method or header is not allowed from a web page; see CORS_ORIGINS.")
        scope = {"state": {"request_id": request_id_of_log.get()}}
        headers = {name: value for name, value in response.headers.items() if name.startswith(("access-", "vary"))}
        return ProblemResponse(problem(refusal, scope), refusal.status, headers)


class BodyLimit:
    """Refuses a body that is too large: by its announced length before it is read, else as soon as it is."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self.app = app
        self._limit = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._limit:
            await problem_response(PayloadTooLarge(TOO_LARGE), scope)(scope, receive, send)
            return
        await self.app(scope, self._counting(receive), send)

    def _counting(self, receive: Receive) -> Receive:
        size = 0

        async def receive_counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._limit:
                raise HTTPException(413)
            return message

        return receive_counted


class TrustedHosts:
    """Answers only to the host names it is told; Starlette's own says so in plain text, this as a problem."""

    def __init__(self, app: ASGIApp, *, hosts: tuple[str, ...]) -> None:
        self.app = app
        self._hosts = frozenset(hosts)
        self._domains = tuple(host.removeprefix("*") for host in hosts if host.startswith("*"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_trusted(_host(scope)):
            await problem_response(
                InvalidInput(
                    "This server does not answer to this host name; whoever runs it can add it to TRUSTED_HOSTS."
                ),
                scope,
            )(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_trusted(self, host: str) -> bool:
        return host in self._hosts or host.endswith(self._domains)


def _host(scope: Scope) -> str:
    return re.sub(r":\d+$", "", Headers(scope=scope).get("host", "")).lower()


class StartFailureMiddleware:
    """Says in one line why the start failed, where a setting is to blame; Starlette says it with a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return

        async def send_shortened(message: Message) -> None:
            # sent while the failure is being handled
            failure = sys.exception()
            if message["type"] == "lifespan.startup.failed" and isinstance(failure, UnusableSetting):
                message = {**message, "message": str(failure)}
            await send(message)

        await self.app(scope, receive, send_shortened)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
