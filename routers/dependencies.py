"""What a handler may ask for, as types: the services, the rooms as this caller may see them."""

from collections.abc import Callable, Coroutine
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from services.errors import RateLimited, ServiceError, Unauthorized
from services.interview.rooms import Rooms
from services.lifespan import Services


async def _services(request: Request) -> Services:
    services: Services = request.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


class AccessCheck(HTTPBearer):
    """Knows the caller, counts the call against its limits, and hands out the rooms as this caller may see them.

    It runs before any vendor is called, so a refused call costs nothing. That it
    is a bearer scheme is what the OpenAPI document says of it; the header is
    read by `Authenticator`.
    """

    def __init__(self, group: Literal["default", "llm"] = "default", *, is_public: bool = False) -> None:
        super().__init__(
            scheme_name="bearer",
            description="An API key or a JWT; needed only where API_KEYS, AUTH_JWT_SECRET or AUTH_JWKS_URL is set.",
        )
        self.group = group
        self.is_public = is_public

    async def __call__(self, request: Request) -> Rooms:  # type: ignore[override]  # what a handler asks for
        rooms: Rooms = request.state.rooms
        return rooms

    async def check_access(self, request: Request) -> None:
        """Let the caller in, or raise Unauthorized or RateLimited."""
        services: Services = request.state.services
        request.state.caller_id = caller_id = await self._identify(request, services)
        await self._count(request, services, caller_id)
        is_open = not services.authenticator.is_required
        if caller_id is None and not is_open and not self.is_public:
            raise Unauthorized("Show who you are: send an API key or token as Authorization: Bearer <key>.")
        request.state.rooms = Rooms(services.daily, services.storage, services.clock, is_open, caller_id)

    async def _identify(self, request: Request, services: Services) -> str | None:
        """Who is calling. Whoever tries keys is counted by address, so that they can't be guessed at will."""
        try:
            caller = await services.authenticator.identify(request.headers.get("authorization"))
        except ServiceError:
            await self._count(request, services, None)
            raise
        return caller.id if caller else None

    async def _count(self, request: Request, services: Services, caller_id: str | None) -> None:
        counted = await services.limiter.count(self.group, caller_id or address_of(request))
        request.state.answer_headers = {
            "RateLimit": counted.rate_limit,
            "RateLimit-Policy": counted.rate_limit_policy,
        }
        if not counted.is_allowed:
            raise RateLimited(
                f"You have reached the limit of calls for now; try again in {counted.retry_after} seconds.",
                retry_after=counted.retry_after,
            )


def address_of(request: Request) -> str:
    """The peer's address; of IPv6 the network, since a client has all the addresses in it to itself."""
    return _counted_as(request.client.host if request.client else "")


def caller_of(request: Request) -> str:
    """Whoever has shown who they are, else the address that they call from."""
    return request.state.caller_id or address_of(request)


@lru_cache(maxsize=4096)
def _counted_as(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return f"address:{host}"
    return f"address:{ip_network((address, 64), strict=False) if address.version == 6 else address}"


class AccessCheckedRoute(APIRoute):
    """Admits the caller before the body is read: strangers are not listened to, and unreadable bodies count too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        (access_check,) = (entry.call for entry in self.dependant.dependencies if isinstance(entry.call, AccessCheck))

        async def check_and_handle(request: Request) -> Response:
            await access_check.check_access(request)
            return await handle(request)

        return check_and_handle


CallerRooms = Annotated[Rooms, Depends(AccessCheck())]
"""For a caller who has shown who they are, where that is needed."""
LlmRateLimitedRooms = Annotated[Rooms, Depends(AccessCheck("llm"))]
"""The same, for calls that cost money."""
PublicRooms = Annotated[Rooms, Depends(AccessCheck(is_public=True))]
"""For anyone who has a room's link."""
PUBLIC: dict[str, Any] = {"security": [{}]}
"""Says in the OpenAPI document that credentials may be left out."""
