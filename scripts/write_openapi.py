"""Writes openapi.json from the code: `make openapi` after a change of the API."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from config import Settings  # noqa: E402  needs the path above
from main import create_app  # noqa: E402  the same


def main() -> None:
    """Write the document of an app with default settings."""
    document = create_app(Settings(_env_file=None)).openapi()
    (ROOT / "openapi.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
