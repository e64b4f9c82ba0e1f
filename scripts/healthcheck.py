"""Health check of the container, which has no curl: asks the service on this machine whether it runs.

    python scripts/healthcheck.py

It uses the port of PORT, and a host name that the service answers to. Exit code 1: not healthy.
"""

import http.client
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config import Settings, load_settings  # noqa: E402 (the path above comes first)
from scripts.serve import PORT  # noqa: E402

TIMEOUT_SECONDS = 4


def main() -> None:
    """Exit with 0 where `/health` answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT") or PORT), timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health", headers={"Host": host_name(load_settings())})
        status = connection.getresponse().status
    except OSError as error:
        sys.exit(f"The service does not answer: {error}")
    if status != http.client.OK:
        sys.exit(f"/health answered {status}")


def host_name(settings: Settings) -> str:
    """Returns a host name that the service answers to."""
    name = settings.allowed_hosts[0]
    return "localhost" if name == "*" else name.replace("*", "health")


if __name__ == "__main__":
    main()
