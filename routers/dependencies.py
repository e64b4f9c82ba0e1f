"""Parameters that handlers share."""

from typing import Annotated

from fastapi import Depends, Path, Request

from services.lifespan import Services
from services.text.fields import ROOM_NAME_PATTERN


async def _services(request: Request) -> Services:
    services: Services = request.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]
"""For routes without a caller. A `CallerRequest` has its services."""

RoomName = Annotated[
    str,
    Path(
        alias="name",
        pattern=ROOM_NAME_PATTERN,
        description="The room's name: `room_name` of the response that opened it.",
        examples=["interview-3f9c1c2ab1de4f7a9d20c4e1b7"],
    ),
]
