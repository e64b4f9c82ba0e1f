"""Serve the API on this machine: `make run`.

    python scripts/serve.py [--host 127.0.0.1] [--port 8000]

Without any vendor key, and where SANDBOX is not set, it starts the sandbox. Unlike plain uvicorn it limits the head of
a request, and trusts forwarded addresses only from the proxies in FORWARDED_ALLOW_IPS, not from every local program.
"""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path

import uvicorn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config import Settings, UnusableSetting, load_settings  # noqa: E402 (the path above comes first)
from routers.http_protocol import BoundedHttpToolsProtocol  # noqa: E402

SHUTDOWN_SECONDS = 10
"""More than the service itself needs to end its requests; without a limit an open stream would hold it for ever."""
WINDOWS_LOOP = "asyncio:SelectorEventLoop"
"""psycopg does not work on the event loop that uvicorn uses on Windows:
https://www.psycopg.org/psycopg3/docs/advanced/async.html
"""


def main() -> None:
    """Choose the sandbox where nothing else is configured, and run uvicorn."""
    options = _options().parse_args()
    if _is_unconfigured():
        os.environ["SANDBOX"] = "true"
        print(
            "No vendor key is set: this is the sandbox. Copy .env.example to .env and fill in keys for the real thing."
        )
    uvicorn.run(
        "main:app",
        app_dir=str(ROOT),
        host=options.host,
        port=options.port,
        http=BoundedHttpToolsProtocol,
        loop=WINDOWS_LOOP if sys.platform == "win32" else "auto",
        forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", ""),
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def _options() -> ArgumentParser:
    options = ArgumentParser(description="Serve the API on this machine.")
    options.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 is the whole network")
    options.add_argument("--port", type=int, default=8000)
    return options


def _is_unconfigured() -> bool:
    """Whether neither SANDBOX nor a provider is set. An invalid setting is reported by the service itself."""
    try:
        settings = load_settings()
    except UnusableSetting:
        return False
    return not _says_sandbox(settings) and "configured" not in settings.providers.values()


def _says_sandbox(settings: Settings) -> bool:
    return "sandbox" in settings.model_fields_set


if __name__ == "__main__":
    main()
