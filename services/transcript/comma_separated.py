"""Comma-separated values, whose first line names a column of speakers and one of texts (RFC 4180)."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from services.transcript.json_turns import SPEAKER_KEYS, TEXT_KEYS, Node, turns_of_objects, usual_key
from services.transcript.source import MOST_CHARACTERS, SourceTurn, UnreadableTranscript

_DELIMITERS = (",", ";")
_LONGEST_HEADER = 500
csv.field_size_limit(MOST_CHARACTERS)


def is_comma_separated(source: str) -> bool:
    """Whether the first line is a header such as `speaker,start,text`."""
    return _delimiter(source) is not None


def read_comma_separated(source: str) -> Sequence[SourceTurn]:
    """The turns of the rows. Raises UnreadableTranscript, naming the line, for a row that does not fit the header."""
    return turns_of_objects(list(_rows(source, _delimiter(source) or ",")))


def _delimiter(source: str) -> str | None:
    first_line = next(iter(source.lstrip()[:_LONGEST_HEADER].splitlines()), "")
    return next((each for each in _DELIMITERS if _names_columns(first_line.split(each))), None)


def _names_columns(cells: Iterable[str]) -> bool:
    header = {usual_key(cell.strip(' "')) for cell in cells}
    return not header.isdisjoint(SPEAKER_KEYS) and not header.isdisjoint(TEXT_KEYS)


def _rows(source: str, delimiter: str) -> Iterator[Node]:
    rows = csv.reader(StringIO(source, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    line = 1
    try:
        for row in rows:
            if not header:
                header = [usual_key(cell.strip()) for cell in row]
            elif row:
                yield dict(zip(header, _fitted(row, header, delimiter, line), strict=False))
            line = rows.line_num + 1
    except csv.Error as error:
        raise UnreadableTranscript(
            f"The comma-separated values cannot be read from line {line} on: is a quotation mark missing?"
        ) from error


def _fitted(row: list[str], header: Sequence[str], delimiter: str, line: int) -> list[str]:
    """The row; a text in the last column may have commas without quotation marks around it."""
    last = len(header) - 1
    is_long = len(row) > len(header) and header[last] not in TEXT_KEYS
    if is_long or not any(key in TEXT_KEYS for key in header[: len(row)]):
        raise UnreadableTranscript(
            f"The comma-separated values cannot be read: line {line} does not fit the first one."
        )
    return [*row[:last], delimiter.join(row[last:])]
