"""Where the questions of a plan come from: lines of the resume and the job description, found and cut by code."""

import re
from collections.abc import Callable, Iterator

from services.briefing import BriefingFields
from services.evidence.debrief import Quote
from services.evidence.personal_topics import is_personal
from services.evidence.quotes import QuoteFinder
from services.plan import PlanSource, SourceKind
from services.transcript.transcript import Transcript

_NOTHING_SAID = Transcript("", (), (), ())
_BREAK = re.compile(r"(?:^|\n)\s*(?:[^\w\s+<>=~|$€£¥][^\S\n]+|[•・●○■◆▪◦]|\d{1,2}[.)][^\S\n]+)|\n\s*\n")
"""The mark of a list item, or an empty line. A line break alone may be inside of a sentence.

A mark is any symbol before a space (word processors have their own), but for those that belong to a number or a table.
"""


class PlanSources:
    """Looks for lines in one briefing. `should_stop` as for `QuoteFinder`."""

    def __init__(self, briefing: BriefingFields, should_stop: Callable[[], bool] = lambda: False) -> None:
        self.texts: dict[SourceKind, str] = {"resume": briefing.resume_summary, "job": briefing.notes}
        self._finders = {kind: QuoteFinder(_NOTHING_SAID, text, should_stop) for kind, text in self.texts.items()}

    def find(self, words: str, named: SourceKind) -> PlanSource | None:
        """The whole sentences around these words within their list item, in the text named or else in the other one.

        Found as quotes are (`QuoteFinder.find_in_notes`). None where they do not occur. A sentence on a topic that must
        not play a part is returned only where there is no other: a resume may tell such things without being asked.
        """
        personal = None
        for source in self._occurrences(words, named):
            if not is_personal(source.text):
                return source
            personal = personal or source
        return personal

    def _occurrences(self, words: str, named: SourceKind) -> Iterator[PlanSource]:
        for kind in sorted(self.texts, key=lambda kind: kind != named):
            for quote in self._finders[kind].find_in_notes(words).quotes[:1]:
                start, end = (quote.start + place for place in _item(quote))
                yield PlanSource(source=kind, text=self.texts[kind][start:end], start=start, end=end)

    def locate(self, source: SourceKind, text: str, start: int = 0) -> PlanSource | None:
        """Exactly this text: at `start`, or else where it occurs first. None where it does not occur."""
        whole = self.texts[source]
        at = start if whole.startswith(text, start) else whole.find(text)
        return PlanSource(source=source, text=text, start=at, end=at + len(text)) if at >= 0 else None

    def locate_words(self, source: SourceKind, text: str, start: int = 0) -> PlanSource | None:
        """The same, where the text does not begin or end inside of a word."""
        whole = self.texts[source]
        words = re.compile(rf"(?:(?<!\w)|(?!\w)){re.escape(text)}(?:(?!\w)|(?<!\w))")
        match = words.match(whole, min(start, len(whole))) or words.search(whole)
        return match and PlanSource(source=source, text=text, start=match.start(), end=match.end())


def _item(quote: Quote) -> tuple[int, int]:
    """The stretch of the quote between list marks and empty lines that has the words chosen by the model."""
    breaks = [match.span() for match in _BREAK.finditer(quote.text)]
    start = max((after for before, after in breaks if before <= quote.cut.start), default=0)
    end = min((before for before, _ in breaks if before >= max(quote.cut.end, start + 1)), default=len(quote.text))
    return start, start + len(quote.text[start:end].rstrip())
