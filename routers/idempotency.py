"""The `Idempotency-Key` header: a handler's work runs once per key, and its response is replayed."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, Response
from pydantic import BaseModel

from routers.access import CallerRequest
from routers.public_path import public_path
from services.access.idempotency import KeyedRequest, Unrepeatable
from services.storage.records import StoredResponse


class IdempotentRequest:
    """Runs the work of a request: once per `Idempotency-Key` where there is one."""

    def __init__(
        self,
        request: CallerRequest,
        key: Annotated[
            str | None,
            Header(
                alias="Idempotency-Key",
                description="The same key with the same body replays the first answer, for 24 hours.",
                json_schema_extra={"pattern": "^[!-~]{1,255}$"},  # checked by Idempotency, which words the refusal
            ),
        ] = None,
    ) -> None:
        self._services = request.services
        self._request = request
        self._key = key

    async def run(
        self,
        body: BaseModel,
        work: Callable[[], Awaitable[StoredResponse]],
        *,
        room: str | None = None,
        unrepeatable: Unrepeatable | None = None,
    ) -> Response:
        """Returns the response of the work, or the one stored under the key.

        What is stored is deleted with `room`. Raises what `Idempotency.run` raises.
        """
        if self._key is None:
            return self._http_response(await work())
        url = self._request.url.remove_query_params("rater")  # who reads the response does not change the work
        request = KeyedRequest(
            caller=self._request.payer,
            route=f"{self._request.method} {url.path}?{url.query}",
            key=self._key,
            body=body.model_dump_json().encode(),
            room=room,
        )
        return self._http_response(await self._services.idempotency.run(request, work, unrepeatable))

    async def run_shielded(
        self,
        body: BaseModel,
        work: Callable[[], Awaitable[StoredResponse]],
        *,
        room: str | None = None,
        unrepeatable: Unrepeatable | None = None,
    ) -> Response:
        """Runs like `run`; the work is completed and its response stored even when the client disconnects."""
        running = self.run(body, work, room=room, unrepeatable=unrepeatable)
        return await self._services.shutdown.run_shielded(running)

    def _http_response(self, stored: StoredResponse) -> Response:
        headers = dict(stored.headers) | ({"Idempotency-Replayed": "true"} if stored.is_replayed else {})
        if "Location" in headers:
            headers["Location"] = public_path(self._request.scope, headers["Location"])
        return Response(stored.body, stored.status, headers, "application/json")


IdempotencyDep = Annotated[IdempotentRequest, Depends()]
