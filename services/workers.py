"""Whether this process is one of several workers.

Workers do not get their number from the server, but they get its arguments (uvicorn's by `multiprocessing`, which
copies `sys.argv`; gunicorn's by fork) and its environment, which set the number.
"""

import multiprocessing
import shlex
from argparse import ArgumentError, ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from config import Settings, UnusableSetting

_FROM_ENVIRONMENT = ("UVICORN_WORKERS", "WEB_CONCURRENCY")
"""Variables of uvicorn and gunicorn, by precedence. Hosting platforms set the second one by themselves."""


def check_worker(settings: Settings, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Raises UnusableSetting in each of several workers without a database. `arguments` is `sys.argv`."""
    if _is_one_of_several(arguments, environment):
        require_database(settings)


def check_worker_count(settings: Settings, flags: Sequence[str], environment: Mapping[str, str]) -> None:
    """Raises UnusableSetting where the server is about to start several workers without a database."""
    if count_workers(flags, environment) > 1:
        require_database(settings)


def require_database(settings: Settings) -> None:
    """Raises UnusableSetting without DATABASE_URL."""
    if settings.database_url is None:
        raise UnusableSetting(
            "DATABASE_URL: several workers need a database, since each would have rooms of its own in memory; "
            "set it, or start one worker (--workers, WEB_CONCURRENCY)."
        )


def _is_one_of_several(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    program, *flags = arguments or [""]
    is_gunicorn = PurePath(program).name == "gunicorn"
    is_worker = is_gunicorn or multiprocessing.parent_process() is not None
    if is_gunicorn:
        flags = [*shlex.split(environment.get("GUNICORN_CMD_ARGS", "")), *flags]
    return is_worker and count_workers(flags, environment) > 1


def count_workers(flags: Sequence[str], environment: Mapping[str, str]) -> int:
    """Returns how many workers these flags and variables ask for; 1 with `--reload`, which allows only one."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("-w", "--workers", type=int)
    parser.add_argument("--reload", action="store_true")
    try:
        known, _ = parser.parse_known_args(flags)
    except ArgumentError:
        return 1  # the server refuses it
    if known.reload:
        return 1
    asked = (environment.get(name, "") for name in _FROM_ENVIRONMENT)
    return known.workers or next((int(count) for count in asked if count.isdecimal()), 1)
