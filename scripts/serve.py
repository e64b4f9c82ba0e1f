"""Serve the API: `make run`, the container, and any machine that should limit what plain uvicorn leaves open.

    python scripts/serve.py [--host 127.0.0.1] [--port 8000] [any other option of uvicorn]

Without any vendor key, and where SANDBOX is not set, it starts the sandbox. Unlike plain uvicorn it ends open streams
on shutdown, and trusts forwarded addresses only from the proxies in FORWARDED_ALLOW_IPS, not from every local program.
"""

import os
import sys
from pathlib import Path
from typing import Any

import uvicorn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config import Settings, UnusableSetting, load_settings  # noqa: E402 (the path above comes first)

PORT = "8000"
SHUTDOWN_SECONDS = 10
"""Longer than the service itself takes to end its requests. Without a limit an open stream would prevent the exit."""
WINDOWS_LOOP = "asyncio:SelectorEventLoop"
"""psycopg does not work on the event loop that uvicorn uses on Windows:
https://www.psycopg.org/psycopg3/docs/advanced/async.html
"""


def main() -> None:
    """Choose the sandbox where nothing else is configured, and run uvicorn with our defaults."""
    if settings := _unconfigured_settings():
        os.environ["SANDBOX"] = "true"
        if "daily_transcription" not in settings.model_fields_set:
            # nothing is charged here, and an interview in the web page ends in a debrief with quotes
            os.environ["DAILY_TRANSCRIPTION"] = "on"
        print(
            "No vendor key is set: this is the sandbox. Copy .env.example to .env and fill in keys to use real vendors."
        )
    uvicorn.main(["main:app", *sys.argv[1:]], default_map=_defaults())


def _defaults() -> dict[str, Any]:
    """Defaults of uvicorn's options that neither a flag nor a variable (UVICORN_HOST, …) sets."""
    return {
        "app_dir": str(ROOT),
        "port": os.environ.get("PORT") or PORT,
        "loop": WINDOWS_LOOP if sys.platform == "win32" else "auto",
        "forwarded_allow_ips": os.environ.get("FORWARDED_ALLOW_IPS", ""),
        "timeout_graceful_shutdown": SHUTDOWN_SECONDS,
    }


def _unconfigured_settings() -> Settings | None:
    """The settings, where neither SANDBOX nor a provider is set. The service itself reports an invalid one."""
    try:
        settings = load_settings()
    except UnusableSetting:
        return None
    is_configured = _says_sandbox(settings) or "configured" in settings.providers.values()
    return None if is_configured else settings


def _says_sandbox(settings: Settings) -> bool:
    return "sandbox" in settings.model_fields_set


if __name__ == "__main__":
    main()
