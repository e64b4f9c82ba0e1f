"""Times as transcripts write them: `1:02`, `00:01:02.500`, `[10:02 PM]`, `12/03/24, 22:02`, and ranges of two times.

The patterns are built of bounded repetitions only, so that matching one takes constant time.
"""

import re
from datetime import UTC, datetime

_CLOCK = (
    r"(?:(?:[上下]午|午[前後]|오[전후])[ ]?)?"
    r"\d{1,3}(?:[:：]\d{2}){1,3}(?:[.,]\d{1,3})?(?![\d:：])"
    r"(?:[ \u00a0\u202f]?[AaPp]\.?[ \u00a0\u202f]?[Mm]\b\.?)?"
)
_UNITS = (
    r"(?:(\d{1,2})[ ]?h[^\W\d_]{0,6}[ ,]{0,2})?(\d{1,3})[ ]?(?:[mM][^\W\d_]{0,7}|分)[ ,]{0,2}"
    r"(\d{1,2})[ ]?(?:[sS][^\W\d_]{0,8}|秒)(?![^\W\d])"
)
"""`0 minutes 3 seconds`, `2m13s`, in any language in which the words begin with these letters."""

_ZONE = r"(?:Z\b|[ ]?(?:UTC|GMT)\b|[+-]\d{2}:\d{2})?"
_DATE = (
    r"(?:[^\W\d_]{2,9}\.?,[ ])?"  # a weekday
    r"(?:\d{1,4}[./-]\d{1,2}(?:[./-]\d{2,4})?\.?|\d{4}年\d{1,2}月\d{1,2}日"
    r"|[^\W\d_]{3,9}\.?[ ]\d{1,2},?[ ]\d{4}|\d{1,2}\.?[ ][^\W\d_]{3,9}\.?,?[ ]\d{4}"
    r"|[Tt]oday|[Yy]esterday)"
)
_BETWEEN_DATE_AND_CLOCK = r"(?:,?[ \u00a0\u202f]{0,3}(?:(?:at|um|à|às|alle|kl\.)[ ])?|T)"
_RANGE = r"[ ]{0,3}(?:-{1,2}>?|[–—~→,]|to|bis|à)[ ]{0,3}"

_FULL_CLOCK = rf"(?:{_UNITS}(?:{_CLOCK})?|{_CLOCK}{_ZONE})"
SPACES = r"[ \t\u00a0\u202f\u3000]"


def time_pattern(prefix: str) -> str:
    """A pattern for a time with an optional date, range and brackets; its groups are `{prefix}_date` and `_clock`."""
    date = rf"{_DATE}{_BETWEEN_DATE_AND_CLOCK}"
    return (
        rf"[\[(<【{{]?[ ]?@?(?:(?P<{prefix}_date>{_DATE}){_BETWEEN_DATE_AND_CLOCK})?"
        rf"(?P<{prefix}_clock>{_FULL_CLOCK})(?:{_RANGE}(?:{date})?{_FULL_CLOCK})?(?:[ ]?[\])>】}}])?"
    )


_IN_UNITS = re.compile(_UNITS)


def clock_of(written: str) -> str:
    """The time as written, on one line. `0 minutes 3 seconds` is `0:03`; Teams copies both, one after the other."""
    units = _IN_UNITS.match(written)
    if units is None:
        return " ".join(written.split())
    hours, minutes, seconds = (int(number or 0) for number in units.groups())
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def clock_of_seconds(seconds: float) -> str | None:
    """Seconds since the start as `00:01:02`; seconds since 1970 as a UTC time. None for any other number."""
    if 0 <= seconds < FIRST_DATE_SECONDS:
        minutes, rest = divmod(int(seconds), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"
    for since_1970 in (seconds, seconds / 1000):
        if _YEAR_2000 <= since_1970 < _YEAR_2100:
            return f"{datetime.fromtimestamp(int(since_1970), UTC):%Y-%m-%dT%H:%M:%SZ}"
    return None


FIRST_DATE_SECONDS = 360_000
"""Times from this number on are dates, in seconds or milliseconds since 1970."""
_YEAR_2000 = 946_684_800
_YEAR_2100 = 4_102_444_800
