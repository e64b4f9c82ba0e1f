"""What the log looks like: one line of text or one JSON object for each event, with the request's id."""

import json
import logging
import logging.config
from contextvars import ContextVar
from datetime import UTC, datetime

from config import Settings

request_id_of_log: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the request that is being served, for every line that is logged on its behalf."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id_of_log.get(),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """One line for a person."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s [%(request_id)s] %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id_of_log.get()
        return super().format(record)


def configure_logging(settings: Settings) -> None:
    """Our events and uvicorn's in one form. Libraries speak up only when something is wrong, whatever LOG_LEVEL says:
    their chatter holds URLs, statements, and what people said in an interview.
    """
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
                "uvicorn.access": through_root if _wants_access_log() else {},
                "uvicorn.error": through_root,
            },
        }
    )


def _wants_access_log() -> bool:
    """Whether uvicorn was started without `--no-access-log`, which leaves its access log with no way out."""
    access = logging.getLogger("uvicorn.access")
    return bool(access.handlers) or access.propagate
