"""Warnings about who speaks in a transcript, and about what of it is not used."""

import json
from collections.abc import Iterator, Mapping, Sequence

from services.text.words import count_words
from services.transcript.source import Record
from services.transcript.speaker_names import Label, bare_label
from services.transcript.speaker_roles import BY_A_PROGRAM, BY_ELIMINATION, BY_JOINING, Attribution, Role

_LONGEST_LABEL_SHOWN = 60
_MOST_LABELS_SHOWN = 5


def attribution_warnings(
    record: Record, attributions: Mapping[str, Attribution], roles: Mapping[str, Role]
) -> Iterator[str]:
    """A sentence or two for each thing that a reader must know; none where every speaker is known.

    `roles` is what the request says about labels.
    """
    yield from _about_the_request(attributions, roles)
    if not record.passages:
        return
    if any(each.role == "candidate" for each in attributions.values()):
        yield from _about_speakers(attributions)
    else:
        yield _no_candidate(attributions)
    yield from _about_programs(attributions)
    yield from _about_unnamed(record, attributions)
    yield from _about_lines(record)


def _about_the_request(attributions: Mapping[str, Attribution], roles: Mapping[str, Role]) -> Iterator[str]:
    present = {
        spelling
        for label in map(Label, attributions)
        for spelling in (bare_label(label.written), bare_label(label.name))
    }
    unused = [label for label in roles if bare_label(label) not in present]
    if unused and attributions:
        yield f"`speakers` has {_listed(unused)}, but the transcript's labels are {_listed(list(attributions))}."
    elif unused:
        yield f"`speakers` has {_listed(unused)}, but the transcript has no labels."


def _about_speakers(attributions: Mapping[str, Attribution]) -> Iterator[str]:
    eliminated = [label for label, each in attributions.items() if each.because == BY_ELIMINATION]
    interviewers = [label for label, each in attributions.items() if each.role == "interviewer"]
    unknown = [label for label, each in attributions.items() if each.role == "unknown"]
    if eliminated:
        yield (
            f"{_listed(eliminated)} was taken for the candidate by elimination, because the only other speaker is the "
            f"interviewer, {_listed(interviewers)}. Send `speakers` to confirm or correct it."
        )
    yield from _about_tokens(attributions)
    if unknown:
        yield (
            f"The words of {_listed(unknown)} are not used as evidence, because it is not certain that the "
            "candidate speaks. If so, send `speakers`."
        )


def _about_tokens(attributions: Mapping[str, Attribution]) -> Iterator[str]:
    """Several names with candidates' tokens: every person who has the room's link can get one."""
    candidates = [label for label, each in attributions.items() if each.role == "candidate"]
    by_token = [label for label in candidates if attributions[label].because == BY_JOINING]
    if by_token and len(candidates) > 1:
        yield (
            f"{_listed(candidates)} all count as the candidate, because {_listed(by_token)} joined with a candidate's "
            "token. If one of them is another person, send `speakers`."
        )


def _no_candidate(attributions: Mapping[str, Attribution]) -> str:
    if not attributions:
        return (
            "The transcript names no speakers, so nothing is rated. Write `Candidate:` and `Interviewer:` before their "
            "words."
        )
    return (
        "No speaker is positively the candidate, so nothing is rated. Write `Candidate:` before the candidate's words, "
        f"or send `speakers`, for example {_example(attributions)}. The labels are {_listed(list(attributions))}."
    )


def _example(attributions: Mapping[str, Attribution]) -> str:
    """A `speakers` object with the two labels that are most likely to be the interviewer's and the candidate's."""
    labels = list(attributions)
    unknown = [label for label in labels if attributions[label].role == "unknown"]
    asking = [label for label in labels if attributions[label].role == "interviewer"]
    asking += [label for label in labels if attributions[label].because == BY_A_PROGRAM]
    answering = (unknown or asking[:1]) if asking else unknown[1:]
    candidate = [*answering, *labels][0]
    interviewer = next((label for label in [*asking, *labels] if label != candidate), None)
    roles = {interviewer: "interviewer"} if interviewer else {}
    return json.dumps(
        {_shortened(label): role for label, role in (roles | {candidate: "candidate"}).items()}, ensure_ascii=False
    )


def _about_programs(attributions: Mapping[str, Attribution]) -> Iterator[str]:
    programs = [label for label, each in attributions.items() if each.because == BY_A_PROGRAM]
    if programs:
        yield (
            f"{_listed(programs)} is the label of a program (an AI, an assistant or a bot), so its words are not used "
            "as evidence."
        )


def _about_unnamed(record: Record, attributions: Mapping[str, Attribution]) -> Iterator[str]:
    unnamed = [passage for passage in record.passages if not passage.speaker]
    if unnamed and attributions:
        words = sum(count_words(record.text[passage.start : passage.end]) for passage in unnamed)
        yield (
            f"{_counted(len(unnamed), 'passage')} without a speaker's name ({_counted(words, 'word')}) "
            f"{'is' if len(unnamed) == 1 else 'are'} not used as evidence, since the others are named."
        )


def _about_lines(record: Record) -> Iterator[str]:
    if record.lines_left_out:
        yield (
            f"{_counted(record.lines_left_out, 'line')} of the file, such as titles, notices and trailers, "
            f"{'was' if record.lines_left_out == 1 else 'were'} left out as no part of the conversation."
        )
    if record.objects_without_text:
        yield (
            f"{_counted(record.objects_without_text, 'object')} with a speaker and no `text` that can be read "
            f"{'was' if record.objects_without_text == 1 else 'were'} left out."
        )
    if record.labels_inside_lines:
        yield (
            f"{_counted(record.labels_inside_lines, 'speaker label')} in the middle of a line did not begin a turn. "
            "Put each speaker's words on a line of their own."
        )


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(f"“{_shortened(label)}”" for label in labels[:_MOST_LABELS_SHOWN])
    more = len(labels) - _MOST_LABELS_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _shortened(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL_SHOWN else f"{label[:_LONGEST_LABEL_SHOWN]}…"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
