"""Several files of one interview: their words in order, and times that go on."""

from services.transcript.joining import TimedFile, join_files
from tests.services.transcript.reading import parse, said


def file(*cues: str, starts_at: float | None = 0.0) -> TimedFile:
    """A file as Daily writes it; a cue is its timing and its text."""
    numbered = [f"transcript:{number}\n{cue}" for number, cue in enumerate(cues)]
    return TimedFile("\n\n".join(["WEBVTT", *numbered]) + "\n", starts_at)


HELLO = "00:00:04.000 --> 00:00:06.500\n<v>Ada:</v>Shall we start?"
ANSWER = "00:00:01.250 --> 00:00:09.000\n<v>Grace:</v>Yes, gladly."


def test_single_file_is_kept_as_it_is():
    assert join_files([file(HELLO)]) == file(HELLO).text


def test_times_of_a_later_file_count_from_the_beginning_of_the_first():
    joined = join_files([file(HELLO, starts_at=1000.0), file(ANSWER, starts_at=4600.5)])

    assert said(parse(joined)) == [
        ("Ada", "00:00:04.000", "Shall we start?"),
        ("Grace", "01:00:01.750", "Yes, gladly."),
    ]
    assert joined.count("WEBVTT") == 1


def test_file_of_unknown_beginning_goes_on_at_the_end_of_the_one_before():
    joined = join_files([file(HELLO), file(ANSWER, starts_at=None)])

    assert [at for _, at, _ in said(parse(joined))] == ["00:00:04.000", "00:00:07.750"]


def test_times_never_go_back_where_files_overlap():
    joined = join_files([file(HELLO, starts_at=100.0), file(ANSWER, starts_at=101.0), file(HELLO, starts_at=102.0)])

    assert [at for _, at, _ in said(parse(joined))] == ["00:00:04.000", "00:00:07.750", "00:00:19.500"]


def test_file_without_words_adds_nothing():
    joined = join_files([file(HELLO), TimedFile("WEBVTT\n", 5.0), file(ANSWER, starts_at=60.0)])

    assert [words for _, _, words in said(parse(joined))] == ["Shall we start?", "Yes, gladly."]


def test_words_below_a_header_without_an_empty_line_are_kept():
    joined = join_files([TimedFile(f"WEBVTT\r\n{HELLO}", 0.0), TimedFile(f"WEBVTT\nKind: captions\n\n{ANSWER}", 60.0)])

    assert [words for _, _, words in said(parse(joined))] == ["Shall we start?", "Yes, gladly."]
