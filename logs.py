"""Log format: one line of text, or one JSON object, for each event, with the id of its request."""

import json
import logging
import logging.config
import re
from contextvars import ContextVar
from datetime import UTC, datetime

from config import Settings

request_id_of_log: ContextVar[str] = ContextVar("request_id", default="-")
"""Request id of the log lines that are written while a request is served."""

_PRIVATE_NAME = re.compile(
    r"(/api/rooms/[A-Za-z0-9_-]{14}|interview-[0-9a-f]{4})[A-Za-z0-9_-]+"
    r"|(/ratings/)[^\s?]+"
    r"|([?&]rater=)[^\s&]+"
)
"""A room's name or a rater's. The group is what stays readable."""


def sanitize(message: str) -> str:
    """Makes a message safe to log: one line, without whole room names, and without the names of people who rate.

    Line breaks and control characters, which text of vendors and clients may contain, are escaped. Room names are cut
    after 14 characters, since anyone who knows a whole one can join the room.
    """
    message = _PRIVATE_NAME.sub(_cut, message)
    return message if message.isprintable() else "".join(map(_escaped, message))


def _cut(name: re.Match[str]) -> str:
    return f"{name[1] or name[2] or name[3]}…"


def _escaped(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": sanitize(record.getMessage()),
            "request_id": request_id_of_log.get(),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """One line of text for each event; a traceback follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s [%(request_id)s] %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        record.request_id = request_id_of_log.get()
        record.message = sanitize(record.message)
        return super().formatMessage(record)


def configure_logging(settings: Settings) -> None:
    """Sets one format for the log lines of the service and of uvicorn.

    Other libraries log errors and warnings only, whatever LOG_LEVEL is: at lower levels they log URLs, SQL statements
    and what was said in an interview.
    """
    # facts that no line shows
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    form = JsonFormatter if settings.log_format == "json" else TextFormatter
    ours = {"level": settings.log_level}
    through_root = {"handlers": [], "propagate": True} | ours
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"()": form}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": "ERROR" if settings.log_level == "ERROR" else "WARNING"},
            "loggers": {
                "main": ours,
                "routers": ours,
                "services": ours,
                "uvicorn": through_root,
                "uvicorn.access": through_root if _is_access_log_on() else {},
                "uvicorn.error": through_root,
            },
        }
    )


def _is_access_log_on() -> bool:
    """Whether uvicorn was started without `--no-access-log`, which removes the handlers of its access log."""
    access = logging.getLogger("uvicorn.access")
    return bool(access.handlers) or access.propagate
