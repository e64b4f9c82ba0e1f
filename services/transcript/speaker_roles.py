"""Who of the speakers is the candidate: decided from role words, then from names, then by elimination.

Speakers choose the names that they are shown under. So a name can make somebody
the interviewer, whose words prove nothing, more easily than the candidate.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from services.text.normalization import normalize
from services.transcript.speaker_names import Person, looks_like_name, person, words_of

Role = Literal["candidate", "interviewer", "other", "unknown"]


def _folded(words: str) -> frozenset[str]:
    return frozenset(normalize(word) for word in words.split())


_INTERVIEWER_WORDS = _folded(
    "interviewer recruiter interviewerin recruiterin entrevistador entrevistadora reclutador reclutadora intervieweur "
    "intervieweuse recruteur recruteuse intervistatore intervistatrice recrutador recrutadora интервьюер рекрутер "
    "rekruter rekruterka görüşmeci 面试官 面試官 面接官 採用担当 면접관 인터뷰어 المحاور साक्षात्कारकर्ता ผู้สัมภาษณ์"
)
_INTERVIEWER_LABELS = _folded("user host moderator panelist panellist employer q") | {"hiring manager"}
"""These stand in people's names too, and count only as the whole label."""

_CANDIDATE_WORDS = _folded(
    "candidate applicant interviewee respondent assistant kandidat kandidatin bewerber bewerberin candidato candidata "
    "candidat candidatul sollicitant kandidaat kandydat kandydatka кандидат кандидатка соискатель соискательница aday "
    "候选人 候選人 应聘者 應聘者 求职者 候補者 応募者 志願者 지원자 후보자 المرشح उम्मीदवार ผู้สมัคร"
)
_INITIALS: Mapping[frozenset[str], Mapping[str, Role]] = {
    frozenset({"q", "a"}): {"q": "interviewer", "a": "candidate"},
    frozenset({"i", "c"}): {"i": "interviewer", "c": "candidate"},
    frozenset({"i", "r"}): {"i": "interviewer", "r": "candidate"},
}
"""Question and answer, interviewer and candidate or respondent: roles when a transcript knows no other label."""

_BETWEEN_PARTS = re.compile(r"[(\[|/,)\]]|\s-\s")


class _Participants(NamedTuple):
    """Who is known to take part."""

    candidate: Person
    interviewers: tuple[Person, ...]


BY_ELIMINATION = "the only other speaker is the interviewer"


def assign_roles(
    labels: Iterable[str], *, candidate_name: str | None, interviewer_names: Sequence[str]
) -> dict[str, Role]:
    """The role of every label, given who the briefing and the room say took part."""
    people = {label: person(label) for label in labels}
    party = _Participants(person(candidate_name or ""), tuple(person(name) for name in interviewer_names))
    roles = _roles_of_initials(people) or {label: _role_of(label, people, party) for label in people}
    return _with_the_other_one(roles)


def states_role(label: str) -> bool:
    """Whether a label names a role in words, such as `Candidate`, `Interviewer 2` or `Jane (Recruiter)`."""
    return _states_interviewer(label) or _states_candidate(label, Person(()))


def _roles_of_initials(people: Mapping[str, Person]) -> dict[str, Role]:
    roles = _INITIALS.get(frozenset(" ".join(person.words) for person in people.values()), {})
    return {label: roles[person.words[0]] for label, person in people.items()} if roles else {}


def _role_of(label: str, people: Mapping[str, Person], party: _Participants) -> Role:
    someone = people[label]
    if _states_interviewer(label) or any(someone.is_same(interviewer) for interviewer in party.interviewers):
        return "interviewer"
    name = Person(tuple(word for word in someone.words if word not in _CANDIDATE_WORDS))
    may_be_interviewer = any(name.may_be(interviewer) for interviewer in party.interviewers)
    if _states_candidate(label, party.candidate):
        return "unknown" if may_be_interviewer else "candidate"
    if someone.is_same(party.candidate):
        return "candidate"
    if not someone.may_be(party.candidate):
        return "interviewer" if may_be_interviewer else "unknown"
    is_clear = not may_be_interviewer and looks_like_name(label) and not _has_rival(someone, people, party)
    return "candidate" if is_clear else "unknown"


def _has_rival(someone: Person, people: Mapping[str, Person], party: _Participants) -> bool:
    """Whether the candidate's name, or a part of it, fits another speaker too."""
    return any(other.may_be(party.candidate) and not other.is_same(someone) for other in people.values())


def _states_interviewer(label: str) -> bool:
    words = words_of(label)
    return not _INTERVIEWER_WORDS.isdisjoint(words) or " ".join(_without_numbers(words)) in _INTERVIEWER_LABELS


def _states_candidate(label: str, candidate: Person) -> bool:
    """A part of the label says so and nothing else; a `Candidate Experience Lead` is none."""
    parts = (set(_without_numbers(words_of(part))) for part in _BETWEEN_PARTS.split(label))
    return any(part & _CANDIDATE_WORDS and part <= _CANDIDATE_WORDS | set(candidate.words) for part in parts)


def _without_numbers(words: Iterable[str]) -> list[str]:
    return [word for word in words if not word.isdecimal()]


def _with_the_other_one(roles: dict[str, Role]) -> dict[str, Role]:
    """Of exactly two speakers, the one who is not known is the other one."""
    by_name = {normalize(label): role for label, role in roles.items()}
    if len(by_name) != len(_BOTH) or "unknown" not in by_name.values():
        return roles
    known = set(by_name.values()) - {"unknown"}
    if not known:
        return roles
    other = _BOTH[known.pop()]
    return {label: other if role == "unknown" else role for label, role in roles.items()}


_BOTH: Mapping[Role, Role] = {"candidate": "interviewer", "interviewer": "candidate"}
