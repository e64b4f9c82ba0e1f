"""FastAPI dependencies of the handlers: the services and the caller's rooms.

Routes that need a caller use `AccessCheckedRoute` and declare one of `CallerRooms`, `LlmRateLimitedRooms`,
`VoiceRateLimitedRooms` and `PublicRooms`: which callers may use the route, and against which rate limit they count.
"""

from collections.abc import Callable, Coroutine
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from routers.body_sizes import has_too_many_values
from services.access.limits import Group
from services.errors import RateLimited, ServiceError, Unauthorized
from services.fair_threads import caller_of_work
from services.interview.rooms import Rooms
from services.lifespan import Services
from services.text.fields import ROOM_NAME_PATTERN


async def _services(request: Request) -> Services:
    services: Services = request.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]

RoomName = Annotated[
    str,
    Path(
        alias="name",
        pattern=ROOM_NAME_PATTERN,
        description="The room's name: `room_name` of the response that opened it.",
        examples=["interview-3f9c1c2ab1de4f7a9d20c4e1b7"],
    ),
]


class AccessCheck(HTTPBearer):
    """Authenticates the caller, counts the call against the caller's rate limits, and provides the caller's rooms.

    `group` names the rate limits; a public check lets callers without credentials pass. As a bearer scheme it also
    describes the authentication in the OpenAPI document; `Authenticator` reads the header.
    """

    def __init__(self, group: Group = "default", *, is_public: bool = False) -> None:
        super().__init__(
            scheme_name="bearer",
            description="An API key or a JWT; needed only where API_KEYS, AUTH_JWT_SECRET or AUTH_JWKS_URL is set.",
        )
        self.group = group
        self.is_public = is_public

    async def __call__(self, request: Request) -> Rooms:  # type: ignore[override]  # the value that handlers get
        rooms: Rooms = request.state.rooms
        return rooms

    async def check_access(self, request: Request) -> None:
        """Raises Unauthorized or RateLimited where the caller may not pass; no vendor has been called by then."""
        services: Services = request.state.services
        request.state.caller_id = caller_id = await self._authenticate(request, services)
        await check_rate_limit(request, services, self.group, caller_id)
        is_open = not services.authenticator.is_required
        if caller_id is None and not is_open and not self.is_public:
            raise Unauthorized(
                "Authentication required: send an API key or token as Authorization: Bearer <key>.",
                reason="the request has no Authorization header",
            )
        payer = caller_of(request)
        caller_of_work.set(payer)
        request.state.rooms = Rooms(
            services.daily,
            services.storage,
            services.clock,
            is_open,
            caller_id,
            payer=payer,
            is_transcribed=services.settings.daily_transcription,
        )

    async def _authenticate(self, request: Request, services: Services) -> str | None:
        """The caller's id, None without credentials. Failed attempts count by address, which slows down guessing."""
        try:
            caller = await services.authenticator.identify(request.headers.get("authorization"))
        except ServiceError:
            await check_rate_limit(request, services, self.group)
            raise
        return caller.id if caller else None


async def check_rate_limit(
    request: Request, services: Services, group: Group = "default", caller_id: str | None = None
) -> None:
    """Count the call for this caller, or for the client's address. Raises RateLimited."""
    counted = await services.limiter.count(group, caller_id or client_address(request))
    request.state.response_headers = (
        (b"ratelimit", counted.rate_limit.encode()),
        (b"ratelimit-policy", counted.rate_limit_policy.encode()),
    )
    if not counted.is_allowed:
        raise RateLimited(
            f"You have reached the limit of calls for now; try again in {counted.retry_after} seconds.",
            retry_after=counted.retry_after,
        )


class _JsonRequest(Request):
    """A request whose JSON is parsed only where it has few enough values (`body_sizes.MAX_JSON_VALUES`)."""

    async def json(self) -> Any:
        if has_too_many_values(await self.body()):
            raise HTTPException(413)  # of a body that is read, FastAPI passes on no other exception
        return await super().json()


class AccessCheckedRoute(APIRoute):
    """Authenticates and rate-limits before the body is parsed, so that invalid bodies count as well.

    FastAPI parses the body before it runs dependencies, so the check cannot be a dependency alone.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        (access_check,) = (entry.call for entry in self.dependant.dependencies if isinstance(entry.call, AccessCheck))
        has_body = self.body_field is not None

        async def check_and_handle(request: Request) -> Response:
            await access_check.check_access(request)
            return await handle(_JsonRequest(request.scope, request.receive) if has_body else request)

        return check_and_handle


CallerRooms = Annotated[Rooms, Depends(AccessCheck())]
"""The rooms of an authenticated caller; of any caller where authentication is off."""
LlmRateLimitedRooms = Annotated[Rooms, Depends(AccessCheck("llm"))]
"""The rooms of an authenticated caller, for calls that cost money: they count against RATE_LIMIT_LLM too."""
VoiceRateLimitedRooms = Annotated[Rooms, Depends(AccessCheck("voice"))]
"""The same limit, counted apart, for voice sessions and phone calls: a page that repeats them does not use up the limit
of chat.
"""
PublicRooms = Annotated[Rooms, Depends(AccessCheck(is_public=True))]
"""Rooms for anyone who has their link, with or without credentials."""
PUBLIC: dict[str, Any] = {"security": [{}]}
"""Marks the credentials of a route as optional in the OpenAPI document."""


def caller_of(request: Request) -> str:
    """The caller's id, or the client's address where there are no credentials."""
    return request.state.caller_id or client_address(request)


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
