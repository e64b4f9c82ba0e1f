"""Labels in the middle of a line: `Candidate: I helped. Interviewer: And then?`

They begin turns only in a transcript that was pasted on one line, after the end of a sentence, and only if they are
certainly labels: `They asked me. Role: lead.` has one speaker.
"""

import re
from collections.abc import Iterator

from services.transcript.line_prefixes import Form, LinePrefix, read_prefix, read_time
from services.transcript.speaker_labels import ExpectedSpeakers
from services.transcript.speaker_names import Label

_SPACE = r" \t\u00a0\x0b\x0c\x85\u2028\u2029"
"""Spaces, and the line breaks of word processors, which a text on one line may have instead of line feeds."""
_LABEL = re.compile(
    rf"(?:[.!?…]{{1,9}}[\"'”’»)\]*_]{{0,3}}[{_SPACE}]{{1,9}}|[。！？]{{1,9}}[”’」』）]{{0,2}}[{_SPACE}\u3000]{{0,9}})"
    r"(?P<label>[^.!?…。！？\r\n]{1,100}?(?:：|:(?=[*_]{0,3}(?:\s|$))))"
)
_LONGEST_GAP = 4
"""Characters from the colon to the speech, as in `**Interviewer:** Why?`."""


def inner_labels(source: str, expected: ExpectedSpeakers, first: str | None = None) -> Iterator[tuple[int, LinePrefix]]:
    """Offset and prefix of every certain label in the middle of a line: a role word, a full name, or `first`."""
    for match in _LABEL.finditer(source):
        if not (first and first in match["label"]) and not _ends_with_known_word(match["label"], expected):
            continue
        start = match.start("label")
        text = source[start : match.end() + _LONGEST_GAP]
        prefix = read_prefix(text, read_time(text))
        if prefix is None or prefix.form is not Form.COLON:
            continue
        if prefix.name == first or expected.is_certainly_named(Label(prefix.name)):
            yield start, prefix


def _ends_with_known_word(label: str, expected: ExpectedSpeakers) -> bool:
    """A fast check that most text before a colon fails."""
    last_word = label.rstrip(":： \t*_)]0123456789").rpartition(" ")[2].strip("([*_")
    return expected.knows_word_of(Label(last_word))
