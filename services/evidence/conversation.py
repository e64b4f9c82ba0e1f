"""The conversation in numbers: who spoke how much, what was asked. Counted by code, and never about the candidate."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from services.evidence.debrief import InterviewNumbers, LongestAnswer, UnlawfulTopic
from services.evidence.times import seconds_of
from services.evidence.unlawful_topics import unlawful_topics
from services.text.words import count_words
from services.transcript.transcript import Role, Transcript, Turn

_QUESTION = re.compile("[?\uff1f\u061f\u2047-\u2049\u037e\u1367\u055e]+")


def count_interview(
    transcript: Transcript, *, interviewers: Sequence[str], candidate: str | None, opened_at: datetime
) -> InterviewNumbers:
    """The numbers of one interview, for the interviewer."""
    turns = transcript.turns
    counts = [count_words(turn.text) for turn in turns]
    words: Counter[Role] = Counter()
    for turn, count in zip(turns, counts, strict=True):
        words[turn.role] += count
    times = [seconds_of(turn.at) for turn in turns]
    asked = [turn for turn in turns if turn.role == "interviewer"]
    return InterviewNumbers(
        interviewers=list(interviewers),
        candidate=candidate,
        opened_at=opened_at,
        duration_seconds=_duration(times),
        words=dict(words),
        seconds=_seconds_by_role(turns, times),
        share={role: round(count / words.total(), 2) for role, count in words.items()} if words.total() else {},
        questions_asked=sum(len(_QUESTION.findall(turn.text)) for turn in asked),
        longest_answer=_longest_answer(turns, counts, times),
        unlawful_topics=[
            UnlawfulTopic(turn=turn.number, topic=topic) for turn in asked for topic in unlawful_topics(turn.text)
        ],
    )


def _duration(times: Sequence[float | None]) -> float | None:
    known = [time for time in times if time is not None]
    return max(known) - min(known) if len(known) > 1 else None


def _seconds_by_role(turns: Sequence[Turn], times: Sequence[float | None]) -> dict[Role, float] | None:
    """Seconds from turn to turn. None where a turn has no time, or an earlier one than the turn before it."""
    if len(turns) < 2 or not _are_in_order(times):
        return None
    seconds: defaultdict[Role, float] = defaultdict(float)
    for turn, length in zip(turns, _lengths(times), strict=False):
        seconds[turn.role] += length
    return {role: round(count, 1) for role, count in seconds.items()}


def _are_in_order(times: Sequence[float | None]) -> bool:
    return all(start is not None and end is not None and start <= end for start, end in pairwise(times))


def _lengths(times: Sequence[float | None]) -> list[float]:
    """The time from each turn to the next, so one fewer than turns."""
    return [end - start for start, end in pairwise(times) if start is not None and end is not None]


def _longest_answer(
    turns: Sequence[Turn], counts: Sequence[int], times: Sequence[float | None]
) -> LongestAnswer | None:
    answers = [index for index, turn in enumerate(turns) if turn.role == "candidate"]
    if not answers:
        return None
    longest = max(answers, key=lambda index: counts[index])
    start, *following = times[longest : longest + 2]
    end = following[0] if following else None
    seconds = end - start if start is not None and end is not None and start <= end else None
    return LongestAnswer(turn=longest + 1, words=counts[longest], seconds=seconds)
