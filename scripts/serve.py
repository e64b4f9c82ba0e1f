"""Serve the API: `make run`, the container, and any machine that should limit what plain uvicorn leaves open.

    python scripts/serve.py [--host 127.0.0.1] [--port 8000] [any other option of uvicorn]

Without any vendor key, and where SANDBOX is not set, it starts the sandbox. Unlike plain uvicorn it ends open streams
on shutdown, trusts forwarded addresses only from the proxies in FORWARDED_ALLOW_IPS, not from every local program, and
exits with code 3 for an invalid setting, also before it starts several workers.
"""

import os
import sys
from pathlib import Path
from typing import Any

import uvicorn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config import START_FAILED, Settings, UnusableSetting, load_settings  # noqa: E402 (the path above comes first)
from services.workers import check_worker_count  # noqa: E402

PORT = "8000"
SHUTDOWN_SECONDS = 10
"""Longer than the service itself takes to end its requests. Without a limit an open stream would prevent the exit."""
WINDOWS_LOOP = "asyncio:SelectorEventLoop"
"""psycopg does not work on the event loop that uvicorn uses on Windows:
https://www.psycopg.org/psycopg3/docs/advanced/async.html
"""


def main() -> None:
    """Choose the sandbox where nothing else is configured, and run uvicorn with our defaults."""
    settings = _usable_settings()
    if not (_says_sandbox(settings) or settings.has_provider_setting):
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


def _usable_settings() -> Settings:
    """The settings. Ends the process where one is invalid: uvicorn exits with code 0 when its workers do not start."""
    try:
        settings = load_settings()
        check_worker_count(settings, sys.argv[1:], os.environ)
    except UnusableSetting as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(START_FAILED) from None
    return settings


def _says_sandbox(settings: Settings) -> bool:
    return "sandbox" in settings.model_fields_set


if __name__ == "__main__":
    main()
