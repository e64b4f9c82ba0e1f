"""Transcripts as JSON that was pasted as text: arrays of turns, and the results of speech recognition services.

Services differ in names and nesting, not in principle: somewhere there is a list of objects with a text, and perhaps a
speaker and a time. Whisper, WhisperX, whisper.cpp, Deepgram, AssemblyAI, Fireflies, Rev AI, Amazon Transcribe,
Recall.ai, Vapi, Retell, ElevenLabs, chat messages and JSON Lines are read this way.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from services.text.invisible import replace_unstorable
from services.text.words import join_all
from services.transcript.clock_times import clock_of_seconds
from services.transcript.source import SourceTurn, UnreadableTranscript
from services.transcript.voices import join_runs

Node = dict[str, Any]

_STARTS_LIKE_JSON = re.compile(r"\s*(?:\[\s*(?:[{\"\]]|\[\s*[{\"\[])|\{\s*(?:[\"'}]|\w{1,40}\s?:\s?[\"'\[{]))")
_IS_JSON_STRING = re.compile(r'\s*"(?:[^"\\\n]|\\.)*"\s*$')
_WHITE_SPACE = re.compile(r"\s*")

TEXT_KEYS = (
    *("punctuated_word", "text", "content", "message", "transcript", "sentence", "utterance", "display"),
    *("word", "value", "body"),
)
_PARTS = ("sentences", "words", "elements", "content", "parts")
_ALTERNATIVES = ("alternatives", "nBest")
"""Lists of which only the first item counts."""
_WORD_LISTS = frozenset({"words", "elements", "tokens", "items"})
"""Lists with an object for each word, which are used only if no other list names the speakers."""
SPEAKER_KEYS = (
    *("speaker_name", "speakerName", "speaker", "speaker_label", "speakerLabel", "speaker_id", "speakerId"),
    *("participant", "participant_name", "sender_name", "author", "user_name", "name", "role", "user"),
    *("sender", "from", "speakerTag", "channelTag"),
)
_STARTS = (
    *("at", "start", "start_time", "startTime", "start_timestamp", "timestamp", "timestamps", "ts", "begin", "offset"),
    *("secondsFromStart", "time_in_call_secs", "time", "timestamp_ms"),
)
_ENDS = ("end", "end_time", "endTime", "end_ts")
_INSIDE_TIMES = ("relative", "from", "start", "absolute")
_INSIDE_SPEAKERS = ("name", "displayName", "display_name", "role", "id")

_KEY_WITH_CAPITAL = re.compile(r'"[A-Z][^"]{0,40}"\s{0,99}:')
_WORD_START_IN_KEY = re.compile(r"[ -]|(?<=[a-z])(?=[A-Z])")

_LONGEST_TIME = 64
_LARGEST_TIME = 1e15
_DEEPEST_TEXT = 3
_NUMBER = re.compile(r"(?:PT)?(\d{1,15}(?:\.\d{1,9})?)[sS]?")
"""Seconds, also as `3.9s` and `PT3.9S`."""
_SPACE_BEFORE_MARK = re.compile(r" (?=[.,!?;:])")
_SLOWEST_SPEECH = 0.06
"""Characters a second. Below it, times are in milliseconds: people speak about 15 characters a second."""


def is_json(source: str) -> bool:
    """Whether the text begins like a JSON array or object, readable or not, or is a JSON string of several lines."""
    if source.startswith('"') and "\\n" in source:
        return _IS_JSON_STRING.match(source) is not None
    return _STARTS_LIKE_JSON.match(source) is not None


class JsonTurns(NamedTuple):
    """The turns of a document."""

    turns: Sequence[SourceTurn]
    without_text: int = 0
    """Objects among them that name a speaker, and no text that can be read."""


def read_json(source: str) -> JsonTurns | str:
    """The turns of the document, or the one text that it holds. Raises UnreadableTranscript."""
    document = _decode(source, _with_usual_keys if _KEY_WITH_CAPITAL.search(source) else None)
    if document == []:
        return JsonTurns([])
    if isinstance(document, list) and all(isinstance(item, str) for item in document):
        return replace_unstorable("\n".join(document))
    found = _turns_in(document)
    turns = found.turns
    if len(turns) == 1 and not turns[0].speaker and "\n" in turns[0].text:
        return turns[0].text
    if turns:
        return found
    text = document if isinstance(document, str) else _only_text(document)
    if text:
        return replace_unstorable(text)
    raise UnreadableTranscript(
        "The JSON cannot be read as a transcript: it has no list of objects with a `speaker` and a `text`."
    )


def _decode(source: str, object_hook: Callable[[Node], Node] | None) -> Any:
    """The document, or the list of the documents of JSON Lines."""
    try:
        documents = list(_documents(source, json.JSONDecoder(object_hook=object_hook)))
    except RecursionError as error:
        raise UnreadableTranscript("The JSON cannot be read: its lists are nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise UnreadableTranscript(
            f"The JSON cannot be read: there is an error in line {error.lineno}, column {error.colno}."
        ) from error
    except ValueError as error:
        raise UnreadableTranscript("The JSON cannot be read: one of its numbers is too long.") from error
    return documents[0] if len(documents) == 1 else documents


def _with_usual_keys(node: Node) -> Node:
    """The object with keys such as `Start Time` and `StartTime` as `start_time`."""
    return {usual_key(key) if key[:1].isupper() else key: value for key, value in node.items()}


def usual_key(key: str) -> str:
    """The key in snake case."""
    return _WORD_START_IN_KEY.sub("_", key).lower()


def _documents(source: str, decoder: json.JSONDecoder) -> Iterator[Any]:
    at = _skip_white_space(source, 0)
    while at < len(source):
        document, at = decoder.raw_decode(source, at)
        yield document
        at = _skip_white_space(source, at)


def _skip_white_space(source: str, at: int) -> int:
    match = _WHITE_SPACE.match(source, at)
    return match.end() if match else at


def _turns_in(document: Any) -> JsonTurns:
    """The turns of the list that names speakers, if there is one; else of the first list with texts.

    Lists with the same key at the same depth are read one after the other, such as those of several channels.
    """
    best: list[Node] = []
    without_text = 0
    best_place, best_rank = ("", 0), (False, False)
    for key, depth, items in _lists(document):
        nodes = [item for item in items if isinstance(item, dict) and _has_text(item)]
        names_speakers = not _keys_of(nodes).isdisjoint(SPEAKER_KEYS) and any(map(_speaker, nodes))
        rank = (names_speakers, key not in _WORD_LISTS)
        if 2 * len(nodes) <= len(items):
            continue
        if best and (key, depth) == best_place and rank == best_rank:
            best.extend(nodes)
            without_text += _count_without_text(items)
        elif not best or rank > best_rank:
            best, best_place, best_rank, without_text = nodes, (key, depth), rank, _count_without_text(items)
    join = _words_as_turns if best_place[0] in _WORD_LISTS else join_runs
    return JsonTurns(join(turns_of_objects(best)), without_text)


def _count_without_text(items: Iterable[Any]) -> int:
    """Objects that name a speaker, and have a text in no form that is known; an empty text says nothing."""
    return sum(
        isinstance(item, dict) and bool(_speaker(item)) and not any(isinstance(item.get(key), str) for key in TEXT_KEYS)
        for item in items
        if not (isinstance(item, dict) and _has_text(item))
    )


def _lists(document: Any) -> Iterator[tuple[str, int, list[Any]]]:
    """All lists of the document with key and depth, the outermost first; an object of objects is a list too."""
    waiting: deque[tuple[str, int, Any]] = deque([("", 0, document)])
    while waiting:
        key, depth, value = waiting.popleft()
        if isinstance(value, list):
            yield key, depth, value
            waiting.extend((key, depth + 1, item) for item in value if isinstance(item, list | dict))
        elif isinstance(value, dict):
            if all(isinstance(item, dict) for item in value.values()):
                yield key, depth, list(value.values())
            waiting.extend((name, depth + 1, item) for name, item in value.items() if isinstance(item, list | dict))


def _only_text(document: Any) -> str:
    """The longest text of a document that has texts, but no list of them."""
    longest = ""
    waiting: deque[Any] = deque([document])
    while waiting:
        node = waiting.popleft()
        if isinstance(node, dict):
            texts = (node[key] for key in TEXT_KEYS if isinstance(node.get(key), str))
            longest = max(longest, *texts, "", key=len)
            waiting.extend(value for value in node.values() if isinstance(value, dict))
    return longest.strip()


def _has_text(node: Node) -> bool:
    values = [node[key] for key in (*TEXT_KEYS, *_PARTS, *_ALTERNATIVES) if key in node]
    return any(value and isinstance(value, str | list) for value in values)


def _text(node: Node, depth: int = 0) -> str:
    """What is said in an object, whether in one piece or in sentences and words."""
    for key in (*TEXT_KEYS, *_PARTS, *_ALTERNATIVES):
        value = node.get(key)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, list) and value and depth < _DEEPEST_TEXT:
            parts = value[:1] if key in _ALTERNATIVES else value
            return _join_words(part if isinstance(part, str) else _part(part, depth) for part in parts)
    return ""


def _part(part: Any, depth: int) -> str:
    return _text(part, depth + 1) if isinstance(part, dict) else ""


def _join_words(words: Iterable[str]) -> str:
    """Words as one text. Some services put the spaces into the words; others have an object for each comma."""
    pieces = [word for word in words if word]
    has_spaces = any(piece[0].isspace() or piece[-1].isspace() for piece in pieces)
    return "".join(pieces) if has_spaces else _SPACE_BEFORE_MARK.sub("", join_all(pieces))


def _speaker(node: Node, keys: Iterable[str] = SPEAKER_KEYS) -> str:
    """The speaker's name or number; empty if there is none."""
    for key in keys:
        value = node.get(key)
        if isinstance(value, dict):
            value = next((value[name] for name in _INSIDE_SPEAKERS if isinstance(value.get(name), str | int)), None)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value).removesuffix(".0")
    return ""


def _start(node: Node, keys: Iterable[str]) -> float | str | None:
    """When the object begins, or its first word."""
    start = _time(node, keys)
    if start is not None:
        return start
    first = next((node[key][0] for key in _PARTS if isinstance(node.get(key), list) and node[key]), None)
    return _time(first, _STARTS) if isinstance(first, dict) else None


def _time(node: Node, keys: Iterable[str]) -> float | str | None:
    """Seconds, milliseconds or a clock time, as the object has it."""
    for key in keys:
        value = node.get(key)
        if isinstance(value, dict):
            value = next((value[name] for name in _INSIDE_TIMES if name in value), None)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST_TIME:
            return float(value)
        if isinstance(value, str) and 0 < len(value) <= _LONGEST_TIME:
            number = _NUMBER.fullmatch(value)
            return float(number[1]) if number else value
    return None


def turns_of_objects(nodes: Sequence[Node]) -> list[SourceTurn]:
    """A turn for each object."""
    present = _keys_of(nodes)
    speaker_keys, start_keys, end_keys = (
        [key for key in keys if key in present] for keys in (SPEAKER_KEYS, _STARTS, _ENDS)
    )
    texts = [replace_unstorable(_text(node)) for node in nodes]
    starts = [_start(node, start_keys) for node in nodes]
    unit = _seconds_in_unit(texts, starts, [_time(node, end_keys) for node in nodes])
    return [
        SourceTurn(replace_unstorable(_speaker(node, speaker_keys)), text, _clock(start, unit))
        for node, text, start in zip(nodes, texts, starts, strict=True)
    ]


def _keys_of(nodes: Iterable[Node]) -> set[str]:
    return set(chain.from_iterable(nodes))


def _clock(start: float | str | None, unit: float) -> str | None:
    return clock_of_seconds(start * unit) if isinstance(start, float) else replace_unstorable(start or "") or None


def _seconds_in_unit(texts: Sequence[str], starts: Sequence[Any], ends: Sequence[Any]) -> float:
    """One second, or a millisecond where the speech would otherwise be impossibly slow."""
    numbers = [start for start in starts if isinstance(start, float)]
    spans = zip(starts, ends, strict=True)
    seconds = sum(end - start for start, end in spans if isinstance(start, float) and isinstance(end, float))
    seconds = seconds or (numbers[-1] - numbers[0] if numbers else 0)
    return 0.001 if seconds > 0 and sum(map(len, texts)) / seconds < _SLOWEST_SPEECH else 1.0


def _words_as_turns(words: Sequence[SourceTurn]) -> list[SourceTurn]:
    """Words joined to turns by speaker; punctuation that has no speaker of its own belongs to the word before it."""
    runs: list[list[SourceTurn]] = []
    for word in words:
        if runs and word.speaker in {"", runs[-1][0].speaker}:
            runs[-1].append(word)
        else:
            runs.append([word])
    return [run[0]._replace(text=_join_words(word.text for word in run)) for run in runs]
