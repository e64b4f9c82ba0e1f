"""Times in transcripts: read as seconds, printed without fractions."""

import re
from datetime import datetime

_CLOCK = re.compile(
    r"(?:^|[\s,T])(?P<first>\d{1,3}):(?P<second>\d{2})(?::(?P<third>\d{2}))?(?P<fraction>[.,]\d{1,9})?"
    r"(?:\s?(?P<half>[ap])\.?m\.?)?$",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"(?<=:\d\d)[.,]\d{1,9}")
_HOURS_IN_A_HALF = 12


def seconds_of(at: str | None) -> float | None:
    """Seconds of `00:07:31.250`, `7:31` (minutes), `10:02 PM` or an RFC 3339 time. None where it is none of these."""
    match = _CLOCK.search(at.strip()) if at else None
    if match is None:
        return _timestamp(at) if at else None
    first, second, third = (int(match[name] or 0) for name in ("first", "second", "third"))
    fraction = float((match["fraction"] or ".0").replace(",", "."))
    if match["half"]:
        first = first % _HOURS_IN_A_HALF + _HOURS_IN_A_HALF * (match["half"] in "Pp")
    is_hours = match["third"] is not None or match["half"] is not None
    return (first * 3600 + second * 60 + third if is_hours else first * 60 + second) + fraction


def without_fraction(at: str) -> str:
    """The time without fractions of a second."""
    return _FRACTION.sub("", at)


def _timestamp(at: str) -> float | None:
    try:
        time = datetime.fromisoformat(at.strip())
    except ValueError:
        return None
    return time.timestamp() if time.tzinfo else None
