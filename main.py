"""The app: settings, lifespan, middleware, routers. `uvicorn main:app` starts it."""

import gc
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI

from config import START_FAILED, VERSION, Settings, UnusableSetting, load_settings, misspelt_names, names_in_env_file
from logs import configure_logging
from routers import (
    chat,
    debriefs,
    docs,
    health,
    phone_calls,
    plans,
    realtime,
    reviews,
    room_list,
    rooms,
    transcripts,
    webhooks,
)
from routers.http_protocol import limit_connections
from routers.middleware import add_middleware
from routers.openapi import LICENSE, add_openapi
from routers.problems import add_problem_handlers
from services.clock import Clock, utc_now
from services.lifespan import Services, check_settings, open_services, provider_report, start_warnings
from services.workers import check_worker

log = logging.getLogger(__name__)

DESCRIPTION = """\
The backend for AI-assisted interviews: open a room, save a briefing, ask the sidebar, get a debrief.

**The model reads, code checks and scores, a person decides.** Every quote in a debrief is found in the transcript by \
code or refused, and the recommendation is computed by published rules.

Every error is a problem document (RFC 9457) whose `detail` is one sentence that a person can act on."""


class State(TypedDict):
    """State of every request, provided by the lifespan."""

    services: Services


def create_app(settings: Settings, *, clock: Clock = utc_now) -> FastAPI:
    """Returns the app for these settings. Nothing is opened before its lifespan begins.

    Raises UnusableSetting: one line that names the setting.
    """
    check_settings(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        log.info("providers: %s", provider_report(settings))
        for warning in start_warnings(settings, clock().date()):
            log.warning(warning)
        async with AsyncExitStack() as stack:
            services = await open_services(stack, settings, clock)
            stack.enter_context(services.shutdown.install_signal_handlers())
            yield {"services": services}

    app = FastAPI(
        title="Interview Room API",
        version=VERSION,
        description=DESCRIPTION,
        license_info=LICENSE,
        lifespan=lifespan,
        openapi_url="/openapi.json" if settings.docs_enabled else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # it would record request bodies, which are people's resumes and interviews
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    add_middleware(app, settings)
    add_problem_handlers(app)
    add_openapi(app)
    # A request tries the routes in this order: those that are called most come first. They are added directly, since
    # FastAPI matches the routes of an included router twice.
    for module in (chat, rooms, room_list, plans, reviews, phone_calls, realtime, webhooks, health):
        app.router.routes.extend(module.router.routes)
    for module in (debriefs, transcripts):
        app.include_router(module.router, max_body_size=settings.max_body_bytes)
    if settings.docs_enabled:
        app.include_router(docs.router)
        app.mount(docs.ASSETS, docs.Assets())
    _build_routes(app)
    return app


def _build_routes(app: FastAPI) -> None:
    """Builds the routes of included routers now; FastAPI would do so during the first request and delay it."""
    for route in app.routes:
        route.matches({"type": "http", "method": "GET", "path": "/", "root_path": ""})


def start() -> FastAPI:
    """Returns the app for the environment's settings. An invalid one ends the process with a line that names it."""
    try:
        settings = load_settings()
        configure_logging(settings)
        for warning in misspelt_names(names_in_env_file()):
            log.warning(warning)
        check_worker(settings, sys.argv, os.environ)
        limit_connections()
        return create_app(settings)
    except UnusableSetting as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(START_FAILED) from None


app = start()
gc.freeze()  # exempt start-up objects from garbage collection: they stay for as long as the process
gc.set_threshold(10_000)  # at Python's default of 700, each collection visits the requests in flight and frees nothing
