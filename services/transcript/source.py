"""What every reader of a format returns, and how a reader refuses."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.text.invisible import has_visible, strip_invisible

MOST_TURNS = 20_000
MOST_LINES = 40_000
"""Lines that are not empty: two for each turn, at the highest number of turns."""
MOST_LABELS = 200
MOST_LABEL_CHARACTERS = 4_000
"""Of all different labels together."""
MOST_CHARACTERS = 1_000_000
"""Of a text, or of all turns together. Readers do not check it; those who take a transcript do."""


class UnreadableTranscript(ValueError):
    """The transcript cannot be read; the text is one sentence that names the format and, if known, the line."""


class TooManyTurns(UnreadableTranscript):
    """The transcript has more turns or lines than any interview."""

    def __init__(self) -> None:
        super().__init__(
            f"The transcript has more than {MOST_TURNS:,} turns or {MOST_LINES:,} lines; send the interview alone."
        )


class TooManyLabels(UnreadableTranscript):
    """The transcript has more speakers than any interview."""

    def __init__(self) -> None:
        super().__init__(
            f"The transcript has more than {MOST_LABELS} different labels of speakers, or they have more than "
            f"{MOST_LABEL_CHARACTERS:,} characters in all; send the interview alone."
        )


class SourceTurn(NamedTuple):
    """A turn as it was sent. `speaker` is empty if the source names none."""

    speaker: str
    text: str
    at: str | None = None


class Passage(NamedTuple):
    """`record.text[start:end]`, said by `speaker`."""

    speaker: str | None
    at: str | None
    start: int
    end: int


class Record(NamedTuple):
    """The passages of a transcript in order, and the text they are cut from."""

    text: str
    passages: Sequence[Passage]
    lines_left_out: int = 0
    """Lines that are not speech, such as titles and trailers. Lines with nothing but a time are not counted."""
    has_chat_roles: bool = False
    """Whether `user` and `assistant` are roles of a conversation with a model, not labels in a text."""
    objects_without_text: int = 0
    """Objects of a JSON that name a speaker, and no text that can be read."""
    labels_inside_lines: int = 0
    """Labels in the middle of a line, which begin no turn."""


def assemble(turns: Iterable[SourceTurn]) -> Record:
    """A record with one paragraph for each turn that says something, `Name: what was said`.

    Raises UnreadableTranscript for too many turns or labels.
    """
    limits = Limits()
    paragraphs: list[str] = []
    passages: list[Passage] = []
    length = 0
    for turn in turns:
        said = turn.text.strip()
        if not has_visible(said):
            continue
        name = clean_label(turn.speaker)
        limits.count_turn(name)
        head = f"{name}: " if name else ""
        start = length + len(head)
        passages.append(Passage(name, turn.at or None, start, start + len(said)))
        paragraphs.append(f"{head}{said}\n\n")
        length += len(paragraphs[-1])
    return Record("".join(paragraphs), passages)


def clean_label(label: str) -> str | None:
    """The label on one line without invisible characters; None if nothing is left."""
    return " ".join(strip_invisible(label).split()) or None


class Limits:
    """Counts turns and labels while a transcript is read."""

    def __init__(self) -> None:
        self._turns = 0
        self._labels: set[str] = set()
        self._label_characters = 0

    def count_turn(self, label: str | None) -> None:
        """Raises UnreadableTranscript when a limit is exceeded."""
        self._turns += 1
        if self._turns > MOST_TURNS:
            raise TooManyTurns
        if label and label not in self._labels:
            self._count_label(label)

    def _count_label(self, label: str) -> None:
        self._labels.add(label)
        self._label_characters += len(label)
        if len(self._labels) > MOST_LABELS or self._label_characters > MOST_LABEL_CHARACTERS:
            raise TooManyLabels
