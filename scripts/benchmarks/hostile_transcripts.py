"""Texts that are made to be slow to read as transcripts, of any size."""

from collections.abc import Callable


def repeated(unit: str, head: str = "") -> Callable[[int], str]:
    """A text that repeats `unit` below `head`."""
    return lambda size: head + (unit * (size // len(unit) + 1))[: size - len(head)]


def numbered(unit: str, head: str = "") -> Callable[[int], str]:
    """A text that repeats `unit` with another word each time, `{w}`, or with a capital, `{W}`."""

    def make(size: int) -> str:
        pieces = [head]
        length = len(head)
        while length < size:
            word = _word(len(pieces))
            pieces.append(unit.replace("{w}", word).replace("{W}", word.title()))
            length += len(pieces[-1])
        return "".join(pieces)[:size]

    return make


def closed(unit: str, head: str, tail: str) -> Callable[[int], str]:
    """A text that repeats `unit` between `head` and `tail`, with commas."""
    return lambda size: head + ",".join([unit] * (size // (len(unit) + 1))) + tail


def _word(number: int) -> str:
    letters = ""
    while number:
        number, letter = divmod(number, 26)
        letters += chr(97 + letter)
    return letters


CUE = "WEBVTT\n\n00:01.000 --> 00:02.000\n"
TURNS = "Nora Kim: a\nDario Vento: b\n"

HOSTILE: dict[str, Callable[[int], str]] = {
    "empty lines": repeated("\n"),
    "carriage returns": repeated("\r"),
    "spaces": repeated(" "),
    "colons": repeated(":"),
    "full-width colons": repeated("："),
    "full stops": repeated(". "),
    "brackets": repeated("["),
    "open brackets in labels": repeated("((((((((((: a\n"),
    "bars": repeated("|a|b"),
    "dashes": repeated("- - - - - - - -\n"),
    "stars": repeated("**a** b\n"),
    "quotation marks": repeated('"'),
    "code fences": repeated("`", "```\n"),
    "one long line": repeated("word ", "A: "),
    "short lines": repeated("ab\n"),
    "one label": repeated("a: b\n"),
    "many labels": numbered("{w}: hello there and more\n"),
    "many capitalized labels": numbered("{W} {W}: hello\n"),
    "many labels in another script": numbered("é{w} Vento: hello and more\n"),
    "many parts of a name": numbered("Nora {w}: hello and some more\n"),
    "many decorations of a name": numbered("Dario Vento ({w}): hello\n"),
    "many labels with a role": numbered("{W} Candidate: hello and more\n"),
    "many role words in sentences": numbered("{w} said candidate x y z\n"),
    "many telephone numbers": numbered("+1 415 555 0100 ext {w}: hello\n"),
    "many names on lines of their own": numbered("{W} {W} {W} {W}\n\n"),
    "many labels in brackets": numbered("[{W} {W}] hello there\n"),
    "many dashes": numbered("{W} {W} - hello there\n"),
    "labels on one line": repeated("Candidate: a. Interviewer: b. "),
    "many labels on one line": numbered("ab. {w} candidate: "),
    "as many turns as lines": numbered("Nora Kim: hello there, we begin\nNora {w} said a word\n"),
    "times": repeated("00:00:01\n"),
    "times without a space": repeated("1:1:1:1:1:1"),
    "times and names": repeated("Nora Kim  0:13\na\n"),
    "dates": repeated("12/03/24, 10:02 - A: bcdefg hijk\n"),
    "parts of dates": repeated("12/03/24, 10:02 am 12/03/24,\n"),
    "digits": repeated("1"),
    "combining marks": repeated("\u0301", "a"),
    "unsorted combining marks": repeated("\u0301\u0323", "a"),
    "combining marks in labels": repeated("A" + "\u0301\u0323" * 50 + ": x\n"),
    "zero-width characters": repeated("\u200b"),
    "zero-width characters in labels": repeated("\u200bA: b\n"),
    "headings": repeated("# abcdefg hijkl mnopqr\n", TURNS),
    "notices": repeated("Nora Kim joined the meeting\n\n", TURNS),
    "trailers": numbered("transcript {w} generated\n\n", TURNS),
    "links": repeated("http://a-:-:-:-:-:-:-:-\n\n", TURNS),
    "rules": repeated("-------------------------\n", TURNS),
    "arrows": repeated("-->\n"),
    "arrows below a WebVTT header": repeated("-->\n", "WEBVTT\n\n"),
    "timings": repeated("00:01 --> 00:02\n", "WEBVTT\n\n"),
    "cues": repeated("00:01 --> 00:02\nabcd efgh\n\n", "WEBVTT\n\n"),
    "named cues": numbered("00:01 --> 00:02\n<v {W}>a\n\n", "WEBVTT\n\n"),
    "voices in one cue": repeated("<v A>a", CUE),
    "open tags in one cue": repeated("<", CUE),
    "entities in one cue": repeated("&lt;", CUE),
    "open entities in one cue": repeated("&a", CUE),
    "lines in one cue": repeated("a\n", CUE),
    "empty lines in one cue": repeated("\n", CUE),
    "comments": repeated("NOTE a\n\n", f"{CUE}x\n\n"),
    "WebVTT without timings": repeated("a\n\n", "WEBVTT\n\n"),
    "SubRip": repeated("1\n00:00:01,000 --> 00:00:02,000\nA: b\n\n"),
    "open JSON arrays": repeated("["),
    "open JSON objects": repeated('[{"a":'),
    "empty JSON objects": closed("{}", "[", "]"),
    "JSON arrays": closed("[]", "[", "]"),
    "JSON objects without texts": closed('{"a":"b"}', "[", "]"),
    "JSON texts": closed('{"text":"b"}', "[", "]"),
    "JSON turns": closed('{"speaker":"a","text":"b"}', "[", "]"),
    "JSON words": closed('{"word":"a","speaker":1}', '{"words":[', "]}"),
    "JSON parts": closed('{"words":[{"word":"a"}]}', '[{"speaker":"a","sentences":[', "]}]"),
    "JSON digits": repeated("9", "["),
    "JSON decimals": repeated("9", '[{"text":"a","start":0.'),
    "JSON escapes": repeated("\\ud800", '[{"text":"'),
    "JSON lines": repeated('{"speaker":"a","text":"b"}\n'),
    "JSON keys with capitals": closed('{"Ab Cd":{}}', "[", "]"),
    "JSON string": closed("\\n", '"', '"'),
    "comma-separated values": repeated("a,b\n", "speaker,text\n"),
    "commas in values": repeated(",", "speaker,text\na,"),
    "quotation marks in values": repeated('"', 'speaker,text\na,"'),
    "paragraphs below a cue": repeated("\na\n", f"{CUE}x\n"),
    "closed voices in one cue": repeated("<v A>a</v>b", CUE),
    "labels in doubt": numbered("{w} q: x\n", "A B: x\nC D: y\nA B: x\n"),
}
