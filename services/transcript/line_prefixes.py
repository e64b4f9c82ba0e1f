"""The prefix of a line: what may be a speaker's label, and a time, before the speech.

Programs write prefixes in five forms. Whether a prefix really begins a turn is decided for the whole file, in
`turn_starts`; here only its shape is read. Every pattern is bounded, so that reading a prefix takes constant time.
"""

import re
from enum import IntEnum
from itertools import islice
from typing import NamedTuple

from services.text.invisible import INVISIBLE
from services.transcript.clock_times import SPACES, clock_of, time_pattern


class Form(IntEnum):
    """Forms of prefixes, the least ambiguous first."""

    COLON = 1
    """`Nora Kim: Tell me`, with or without a time."""
    TIMED = 2
    """`Nora Kim  0:13`, `0:13 - Nora Kim`; the speech follows or is below."""
    BRACKETED = 3
    """`(Nora Kim) Tell me`, `**Nora Kim** Tell me`."""
    ALONE = 4
    """`Nora Kim` on a line of its own, with the speech below."""
    DELIMITED = 5
    """`Nora Kim - Tell me`, `| Nora Kim | Tell me |`, or a tab between them."""


class Time(NamedTuple):
    """A time at the start of a line, as written."""

    clock: str
    is_dated: bool
    end: int


class LinePrefix(NamedTuple):
    """A possible label and time before the speech of a line."""

    form: Form
    name: str
    """The label as written, without marks, brackets around it and times."""
    end: int
    """Offset in the line at which the speech begins."""
    at: str | None = None
    is_dated: bool = False
    is_set_apart: bool = True
    """Whether brackets, several spaces or a line end, not a single space, separate the name from its time or speech."""
    mark: str = ""
    """The mark of a name without a colon: `#`, `*` or an opening bracket."""


_LONGEST_PREFIX = 250
_LONGEST_NAME = 120
_LONGEST_UNMARKED_NAME = 80

_LEAD = re.compile(
    rf"[\s{INVISIBLE}]{{0,99}}"
    r"(?:(?P<heading>\#{1,6}|={2,9}|-{2,9})[ \t]+|>{1,2}[ ]?|[-*+•●○▪◦‣►–—☐✔✓|][ \t]|\d{1,3}[.)][ \t]+)?"
    r"(?P<bold>[*_]{2,3})?"
)
"""Indentation, and the marks of headings, quotations, lists, tables and bold text."""
_TIME_BEFORE = re.compile(
    rf"{time_pattern('before')}(?:(?<=[\])>】}}])|(?=\W|$)){SPACES}{{0,9}}[|,·–—:>-]{{0,2}}{SPACES}{{0,9}}"
)
_TIME_AFTER = re.compile(rf"(?:{SPACES}|[,|·–—-]){{0,9}}{time_pattern('after')}{SPACES}{{0,9}}$")
_TIME_INSIDE = re.compile(rf"(?P<gap>(?:{SPACES}|[,|·–—-]){{1,9}}){time_pattern('inside')}(?=[\s,]|$),?")
_TIME_BEHIND = re.compile(rf"[*_]{{0,2}}(?=[\[(]){time_pattern('behind')}[*_]{{0,2}}{SPACES}{{0,9}}")
_CLOCK_HINT = re.compile(r"\d(?:[:：]\d|[ ]?[mM分])")

_COLON = re.compile("[:：]")
_BETWEEN_DIGITS = re.compile(r"(?<=\d).(?=\d)")
_AFTER_COLON = re.compile(rf"[*_]{{0,3}}(?P<gap>{SPACES}*)")
_GOES_ON_AFTER_COLON = re.compile(r"[/:\\\d]")
r"""`https://`, `std::vector`, `C:\temp`, `ratio:3`."""
_URL_ALONE = re.compile(r"https?://\S{1,2000}\s*$")
_COLONS_TRIED = 3
_QUESTION = re.compile(r"([QA]\d{0,3})[.)][ \t]{1,9}(?=\S)")

_BRACKETED = re.compile(
    r"(?P<open>[\[({<【])(?P<inside>[^\[\](){}<>【】\n]{1,80})[\])}>】](?=\s|$)[*_]{0,3}[ \t]*"
    r"|(?<=[*_]{2})(?P<bold>[^*_\n]{1,80})[*_]{2,3}(?=\s|$)[ \t]*"
)
_HAS_DELIMITER = re.compile(r"[-–—~>»|→\t]")
_DELIMITER = re.compile(r"[ ]{1,9}[-–—~>»|][ ]{1,9}|[ ]?[|»→][ ]?|(?<=\w)>[ ]{1,9}|\t{1,9}|[ ]{3,9}")
_ADDRESSED = re.compile(
    r"(?:From|Von|De|Da|Van|От)\s{1,3}(?P<from>.{1,80}?)(?:\s{1,3}(?:to|To|an|à|a|para|aan|кому)\s.{1,80})?$"
)
"""`From Nora Kim to Everyone`, as Zoom writes a chat."""

_DECORATION = " \t*_=#–—-\u00a0\u202f"
_IN_BRACKETS = re.compile(r"[\[<({【](.+)[\])}>】]")
_LETTER = re.compile(r"[^\W\d_]")
_PHONE_NUMBER = re.compile(r"[+(]?[\d*•][\d*•xX\s().-]{4,30}")
_SYMBOLS = re.compile(r"[^\w\s.,;:!?'\"()\[\]{}<>/\\|-]{1,9}|\d{1,2}|\?{1,3}")
"""An emoji, the number that a program gives to a speaker, or the mark of an unknown one."""
_SENTENCE_END = re.compile(r"[.!?…,;:。！？，；]$")


def read_time(line: str) -> Time | None:
    """The time at the start of a line, and where the rest begins."""
    text = line[:_LONGEST_PREFIX]
    if not _has_clock(text):
        return None
    lead = _LEAD.match(text)
    match = _TIME_BEFORE.match(text, lead.end() if lead else 0)
    return Time(clock_of(match["before_clock"]), match["before_date"] is not None, match.end()) if match else None


def read_prefix(line: str, time: Time | None) -> LinePrefix | None:
    """The prefix of a line, if it has the shape of one. `time` is what `read_time` returns for the line."""
    text = line[:_LONGEST_PREFIX]
    lead = _LEAD.match(text)
    start = time.end if time else lead.end() if lead else 0
    prefix = _with_colon(text, start, line) or _with_time_inside(text, start) or _without_colon(text, start, lead, time)
    if prefix is None or time is None:
        return prefix
    return prefix._replace(at=prefix.at or time.clock, is_dated=prefix.is_dated or time.is_dated)


def is_phone_number(name: str) -> bool:
    """Whether the label is the telephone number of a participant who dialled in, masked or not."""
    return _PHONE_NUMBER.fullmatch(name) is not None


def _has_clock(text: str) -> bool:
    """A fast check that most lines fail."""
    return _CLOCK_HINT.search(text) is not None


def _with_colon(text: str, start: int, line: str) -> LinePrefix | None:
    colon = _label_colon(text, start)
    if colon is None:
        return _question(text, start)
    after = _AFTER_COLON.match(text, colon + 1)
    end = after.end() if after else colon + 1
    is_spaced = end > colon + 1 or end == len(text) or text[colon] != ":"
    if not is_spaced and _GOES_ON_AFTER_COLON.match(text, end):
        return None
    behind = _TIME_BEHIND.match(text, end)
    prefix = _named(text[start:colon], behind.end() if behind else end, is_spaced=is_spaced)
    if prefix is None or _URL_ALONE.match(line, end):
        return None
    return prefix._replace(at=clock_of(behind["behind_clock"])) if behind else prefix


def _question(text: str, start: int) -> LinePrefix | None:
    """`Q. Why?`, `Q2. Why?`, and the answers, which look like points of a list unless there are questions."""
    match = _QUESTION.match(text, start)
    return LinePrefix(Form.COLON, match[1], match.end(), is_set_apart=match[1][0] == "Q") if match else None


def _label_colon(text: str, start: int) -> int | None:
    """The colon that ends the label; one inside of brackets, as in `(pronouns: she/her)`, does not."""
    colons = (match.start() for match in _COLON.finditer(text, start, start + _LONGEST_NAME))
    for colon in islice((colon for colon in colons if not _BETWEEN_DIGITS.match(text, colon)), _COLONS_TRIED):
        if text.count("(", start, colon) <= text.count(")", start, colon):
            return colon
    return None


def _named(label: str, end: int, *, is_spaced: bool) -> LinePrefix | None:
    time = _TIME_AFTER.search(label) if _has_clock(label) else None
    name = _bare(label[: time.start()] if time else label)
    if not _LETTER.search(name) and not is_phone_number(name) and not _SYMBOLS.fullmatch(name):
        return None
    if time is None:
        return LinePrefix(Form.COLON, name, end, is_set_apart=is_spaced)
    at, is_dated = clock_of(time["after_clock"]), time["after_date"] is not None
    return LinePrefix(Form.COLON, name, end, at, is_dated, is_set_apart=is_spaced)


def _with_time_inside(text: str, start: int) -> LinePrefix | None:
    if not _has_clock(text):
        return None
    time = _TIME_INSIDE.search(text, start, start + _LONGEST_PREFIX)
    name = _bare(text[start : time.start()]) if time else ""
    if time is None or not _LETTER.search(name) or len(name) > _LONGEST_NAME:
        return None
    is_set_apart = time["gap"] != " " or not text[time.end() :].strip() or not text[time.start() + 1].isalnum()
    at, is_dated = clock_of(time["inside_clock"]), time["inside_date"] is not None
    return LinePrefix(Form.TIMED, name, time.end(), at, is_dated, is_set_apart)


def _without_colon(text: str, start: int, lead: re.Match[str] | None, time: Time | None) -> LinePrefix | None:
    mark = "" if lead is None else "#" if lead["heading"] else "*" if lead["bold"] else ""
    prefix = _bracketed(text, start) or _alone(text, start, mark) or _delimited(text, start)
    if prefix is None or not _LETTER.search(prefix.name):
        return None
    return prefix._replace(form=Form.TIMED) if time and prefix.form is Form.ALONE else prefix


def _bracketed(text: str, start: int) -> LinePrefix | None:
    match = _BRACKETED.match(text, start)
    if match is None:
        return None
    time = _TIME_BEHIND.match(text, match.end())
    end = time.end() if time else match.end()
    form = Form.BRACKETED if text[end:].strip() else Form.TIMED if time else Form.ALONE
    at = clock_of(time["behind_clock"]) if time else None
    return LinePrefix(form, _bare(match["inside"] or match["bold"]), end, at, mark=match["open"] or "*")


def _alone(text: str, start: int, mark: str) -> LinePrefix | None:
    if len(text) - start > _LONGEST_UNMARKED_NAME:
        return None
    rest = text[start:].strip()
    if _SENTENCE_END.search(rest) or _find_delimiter(text.rstrip(), start):
        return None
    return LinePrefix(Form.ALONE, _bare(rest), len(text), mark=mark)


def _delimited(text: str, start: int) -> LinePrefix | None:
    delimiter = _find_delimiter(text, start)
    if delimiter is None or delimiter.start() == start or not text[delimiter.end() :].strip():
        return None
    return LinePrefix(
        Form.DELIMITED, _bare(text[start : delimiter.start()]), delimiter.end(), mark=delimiter[0].strip()
    )


def _find_delimiter(text: str, start: int) -> re.Match[str] | None:
    if "   " not in text and not _HAS_DELIMITER.search(text, start, start + _LONGEST_UNMARKED_NAME):
        return None
    return _DELIMITER.search(text, start, start + _LONGEST_UNMARKED_NAME)


def _bare(name: str) -> str:
    """The name without the Markdown, brackets and address that programs put around it."""
    name = name.strip(_DECORATION)
    bracketed = _IN_BRACKETS.fullmatch(name)
    name = bracketed[1].strip(_DECORATION) if bracketed else name
    addressed = _ADDRESSED.match(name)
    return addressed["from"].strip() if addressed else name
