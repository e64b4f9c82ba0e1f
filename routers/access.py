"""Who may call a route, and which rate limit its calls count against: checked before the body is parsed.

A handler names its callers by the class of its `request`: `CallerRequest`, `LlmRequest`, `VoiceRequest` or
`PublicRequest`. Its route must be an `AccessCheckedRoute`.
"""

from collections.abc import Callable, Collection, Coroutine, Mapping
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, ClassVar, get_type_hints

from fastapi import Request, Response
from fastapi.routing import APIRoute

from routers.bodies import SMALL_BODY_BYTES, parse_json, read_in_time
from services.access.limits import Group
from services.errors import RateLimited, ServiceError, Unauthorized
from services.fair_threads import caller_of_work
from services.interview.rooms import Rooms
from services.lifespan import Services


class CallerRequest(Request):
    """A request of an authenticated caller; of any caller where authentication is off.

    It holds what a handler needs of its caller. As dependencies, these would take FastAPI 11 µs each.
    """

    group: ClassVar[Group] = "default"
    is_public: ClassVar[bool] = False
    """Whether callers without credentials may pass."""

    payer: str
    """Whose limits and budgets are used: the caller's id or, without credentials, the client's address."""
    rooms: Rooms
    """The rooms that the caller may use."""

    @property
    def services(self) -> Services:
        services: Services = self.state.services
        return services

    async def body(self) -> bytes:
        """The body as it was sent, if it arrives in time."""
        if hasattr(self, "_body"):
            return self._body
        return await read_in_time(super().body(), self.services.settings.body_timeout_seconds)

    async def json(self) -> Any:
        """The body as a value, within the limits of `parse_json`."""
        return parse_json(await self.body())

    async def check_access(self) -> None:
        """Raises Unauthorized or RateLimited where the caller may not pass; no vendor has been called by then."""
        services = self.services
        caller_id = await self._authenticate(services)
        self.payer = caller_id or client_address(self)
        await check_rate_limit(self, services, self.payer, self.group)
        is_open = not services.authenticator.is_required
        if caller_id is None and not is_open and not self.is_public:
            raise Unauthorized(
                "Authentication required: send an API key or token as Authorization: Bearer <key>.",
                reason="the request has no Authorization header",
            )
        caller_of_work.set(self.payer)
        self.rooms = Rooms(
            services.daily,
            services.storage,
            services.clock,
            is_open,
            caller_id,
            payer=self.payer,
            is_transcribed=services.settings.daily_transcription,
        )

    async def _authenticate(self, services: Services) -> str | None:
        """The caller's id, None without credentials. Failed attempts count by address, which slows down guessing."""
        try:
            caller = await services.authenticator.identify(self.headers.get("authorization"))
        except ServiceError:
            await check_rate_limit(self, services, client_address(self), self.group)
            raise
        return caller.id if caller else None


class LlmRequest(CallerRequest):
    """For calls that cost money: they count against RATE_LIMIT_LLM too."""

    group = "llm"


class VoiceRequest(CallerRequest):
    """For voice sessions and phone calls. They have the same limit, counted apart: a page that repeats them does not
    use up the limit of chat.
    """

    group = "voice"


class PublicRequest(CallerRequest):
    """A request of anyone who has the room's link, with or without credentials."""

    is_public = True


class AccessCheckedRoute(APIRoute):
    """Authenticates and rate-limits before the body is parsed, so that invalid bodies count as well.

    FastAPI parses the body before it runs dependencies, so the check cannot be a dependency.
    """

    largest_body: ClassVar[int | None] = SMALL_BODY_BYTES
    """Bytes, for a route without a `max_body_size` of its own."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Collection[str],
        max_body_size: int | None = None,
        openapi_extra: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self._request_class = _request_class(endpoint)
        if max_body_size is None and "GET" not in methods:
            max_body_size = self.largest_body
        security: list[dict[str, list[str]]] = [{"bearer": []}]
        if self._request_class.is_public:
            security.append({})
        super().__init__(
            path,
            endpoint,
            methods=list(methods),
            max_body_size=max_body_size,
            openapi_extra={"security": security, **(openapi_extra or {})},
            **options,
        )

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        request_class = self._request_class

        async def check_and_handle(request: Request) -> Response:
            checked = request_class(request.scope, request.receive)
            await checked.check_access()
            return await handle(checked)

        return check_and_handle


class TranscriptRoute(AccessCheckedRoute):
    """A route whose requests may contain a transcript: `main.create_app` lets them take MAX_BODY_BYTES."""

    largest_body = None


def _request_class(endpoint: Callable[..., Any]) -> type[CallerRequest]:
    """Returns the class of the handler's `request`. Raises TypeError for a handler that does not name its callers."""
    found: list[type[CallerRequest]] = list(filter(_is_caller_request, get_type_hints(endpoint).values()))
    if len(found) != 1:
        raise TypeError(
            f"{endpoint.__qualname__} needs one parameter of type CallerRequest, or of one of its subclasses"
        )
    return found[0]


def _is_caller_request(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, CallerRequest)


async def check_rate_limit(request: Request, services: Services, caller: str, group: Group = "default") -> None:
    """Count the call for this caller: an id or a client's address. Raises RateLimited."""
    counted = await services.limiter.count(group, caller)
    request.state.response_headers = (
        (b"ratelimit", counted.rate_limit.encode()),
        (b"ratelimit-policy", counted.rate_limit_policy.encode()),
    )
    if not counted.is_allowed:
        raise RateLimited(
            f"You have reached the limit of calls for now; try again in {counted.retry_after} seconds.",
            retry_after=counted.retry_after,
        )


def client_address(request: Request) -> str:
    """The address that a client without credentials is counted by: its IPv4 address or IPv6 /64 network."""
    return _address_group(request.client.host if request.client else "")


@lru_cache(maxsize=4096)
def _address_group(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return f"address:{host}"
    if address.version == 4:
        return f"address:{address}"
    if address.ipv4_mapped is not None:
        # a dual-stack socket shows IPv4 clients in IPv6 form, in which all would share one /64 network
        return f"address:{address.ipv4_mapped}"
    return f"address:{ip_network((address, 64), strict=False)}"
