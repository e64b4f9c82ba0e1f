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
    """Our events and uvicorn's in one form; clients' own chatter, which holds URLs, only when something is wrong."""
    form = JsonFormatter if settings.log_format == "json" else TextFormatter
    through_root = {"handlers": [], "propagate": True}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"()": form}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": settings.log_level},
            "loggers": {
                "uvicorn": through_root,
                "uvicorn.access": through_root,
                "uvicorn.error": through_root,
                "httpx": {"level": "WARNING"},
                "alembic": {"level": "WARNING"},
            },
        }
    )
