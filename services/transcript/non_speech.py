"""Lines of a transcript that are not speech: times, rules, notices of the program, headings and trailers.

They are recognized by their shape, and by the word for "transcript" in the languages that programs write in.
"""

import re
from collections.abc import Iterable
from enum import Enum, auto

from services.transcript.clock_times import time_pattern
from services.transcript.speaker_names import Label
from services.transcript.turn_starts import Line


class NonSpeech(Enum):
    """Kinds of lines that are not speech."""

    TIME = auto()
    """A time on a line of its own: it belongs to the turns below it."""
    RULE = auto()
    """A line of dashes or the like: nothing is speech from there to the next label."""
    NOTICE = auto()
    """One line of the program within a turn, such as `Nora Kim joined the meeting`."""
    BREAK = auto()
    """A heading or a trailer: nothing is speech from there to the next label."""


def _words(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_LONGEST = 200
_LONGEST_NOTICE = 80
_RULE = re.compile(r"\s{0,99}[-–—=_*#~•.`|+: ]{3,200}$")
_IN_BRACKETS = re.compile(r"\s{0,9}[\[(].{1,60}[\])]\s{0,9}$")
_HEADING = re.compile(r"\s{0,9}#{1,6}[ \t]+\S")
_TRANSCRIPT_WORDS = _words(
    "transcri transkri transkry trascri транскри стенограм расшифров 文字起こし 逐字稿 转录 轉錄 转写 녹취 تفريغ"
)
_RECORDING_WORDS = _words(
    "meeting recording vergadering besprechung aufzeichnung réunion enregistrement reunión reunião grabación "
    "会议 会議 회의"
)
_WORDS_OF_PROGRAMS = _words(
    "generat génér erzeugt erstellt comput ordinat ordenador automa http:// https:// error erreur fehler errore ended "
    "stopped started beendet beëindigd termin finaliz заверш 生成 終了 结束"
)
"""Words with which programs say how a transcript was made and where it ends."""
_MADE_BY = re.compile(r"\b(?:by|with|von|mit|par|avec|por|con|da)\b")
_CLOCK = re.compile(r"\d:\d{2}")
_MADE_WITH = re.compile(
    r"\s{0,9}(?:generated|created|exported|recorded|powered)\b.{0,20}\b(?:by|with|from)\b", re.IGNORECASE
)
_ENDS_WITH_CLOCK = re.compile(rf"(?:^|\s){time_pattern('last')}\W{{0,5}}$")
_FIRST_PERSON = re.compile(r"\b(?:i|we|my|our|me|ich|wir|mein|je|nous|yo|mi|nosotros|eu|io)\b", re.IGNORECASE)
_VERBS_OF_NOTICES = frozenset(
    _words(
        "joined rejoined left entered started stopped paused resumed ended added removed invited changed created "
        "pinned muted unmuted raised lowered presenting sharing beigetreten verlassen gestartet beendet rejoint "
        "quitté démarré arrêté unió salió inició detuvo entrou saiu iniciou parou"
    )
)
_JOINED = re.compile(
    rf"\s{{1,3}}(?:has |have |is |is now |hat |a |ha |est |wurde |se )?(?:{'|'.join(sorted(_VERBS_OF_NOTICES))})\b",
    re.IGNORECASE,
)
_LINK = re.compile(r"[^\n]{0,150}[:-]\s{0,3}https?://\S{1,200}\s{0,9}$")
"""`ACTION ITEM: Send the task - WATCH: https://…`"""
_SENTENCE_END = re.compile(r"[.!?,;。！？]\s*$")
_MOST_WORDS_OF_HEADING = 6
_SECTIONS = frozenset(
    {"summary", "notes", "action items", "next steps", "suggested next steps", "details", "decisions", "chapters"}
    | {"attendees", "participants", "invited", "keywords", "outline", "highlights", "key takeaways", "takeaways"}
    | {"zusammenfassung", "résumé", "resumen", "resumo", "riepilogo", "samenvatting", "摘要", "总结", "要約", "요약"}
)
_NOT_LETTERS = re.compile(r"[^\w ]|_")


def is_transcript_heading(line: Line) -> bool:
    """Whether the line is a heading such as `📖 Transcript`, below which the speech begins."""
    words = _NOT_LETTERS.sub(" ", line.text[: _LONGEST_NOTICE + 1]).lower().split()
    if not line.is_after_gap or not 0 < len(words) <= _MOST_WORDS_OF_HEADING:
        return False
    return words[-1].startswith(_TRANSCRIPT_WORDS) and words[0] not in {"end", "ende", "fin", "fine", "fim"}


class NonSpeechRules:
    """Recognizes the lines that are not speech in a transcript with these labels."""

    def __init__(self, labels: Iterable[str]) -> None:
        self._labels = frozenset(labels)

    def kind_of(self, line: Line) -> NonSpeech | None:
        """The kind of a line without a label; None if it is speech."""
        text = line.text
        if len(text) > _LONGEST:
            return None
        if line.has_only_time:
            return NonSpeech.TIME
        if _RULE.match(text):
            return NonSpeech.RULE
        if self._is_notice(line) or (line.is_after_gap and "http" in text and _LINK.match(text)):
            return NonSpeech.NOTICE
        return NonSpeech.BREAK if _is_heading_or_trailer(line) else None

    def _is_notice(self, line: Line) -> bool:
        """Whether it is a notice such as `Nora Kim joined the meeting`."""
        text = line.text.strip()
        if len(text) > _LONGEST_NOTICE or _VERBS_OF_NOTICES.isdisjoint(text.lower().split()):
            return False
        if _SENTENCE_END.search(text):
            return False
        joined = _JOINED.search(text)
        name = text[: joined.start()] if joined else ""
        return name in self._labels or (line.is_after_gap and (name == "You" or Label(name).looks_like_full_name))


def _is_heading_or_trailer(line: Line) -> bool:
    text = line.text
    return _HEADING.match(text) is not None or (line.is_after_gap and _is_trailer_or_section(text))


def _is_trailer_or_section(text: str) -> bool:
    """The same for a line below an empty one."""
    if _has_one(_TRANSCRIPT_WORDS, text):
        is_trailer = _is_heading(text) or _has_one(_WORDS_OF_PROGRAMS, text) or _ends_with_clock(text)
        return (is_trailer or bool(_MADE_BY.search(text))) and not _FIRST_PERSON.search(text)
    if _has_one(_RECORDING_WORDS, text):
        if _IN_BRACKETS.match(text):
            return True
        has_clock = _ends_with_clock(text) or (not _SENTENCE_END.search(text) and _CLOCK.search(text) is not None)
        return has_clock and _has_one(_WORDS_OF_PROGRAMS, text) and not _FIRST_PERSON.search(text)
    return _begins_section(text) or (_MADE_WITH.match(text) is not None and not _FIRST_PERSON.search(text))


def _begins_section(text: str) -> bool:
    """Whether it is a heading such as `Summary`, with or without text behind it."""
    heading = re.split("[:：]", text, maxsplit=1)[0]
    return _NOT_LETTERS.sub("", heading).strip().lower() in _SECTIONS


def _ends_with_clock(text: str) -> bool:
    return ":" in text and _ENDS_WITH_CLOCK.search(text) is not None


def _has_one(words: Iterable[str], text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in words)


def _is_heading(text: str) -> bool:
    return len(text.split()) <= _MOST_WORDS_OF_HEADING and not _SENTENCE_END.search(text)
