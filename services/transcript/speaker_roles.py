"""The role of each speaker, and the reason for it: from the request, from a role word, from a full name.

Participants choose their display names, so the rules for the candidate are stricter than those for the interviewer:
a part of a name is never enough. In doubt the role is unknown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from services.text.normalization import normalize
from services.transcript.role_words import (
    complete_pairs,
    is_program,
    pair_word,
    states_candidate,
    states_interviewer,
)
from services.transcript.speaker_names import Label, bare_label

Role = Literal["candidate", "interviewer", "other", "unknown"]

BY_REQUEST = "the request's `speakers` says so"
BY_A_PROGRAM = "its label is that of a program: an AI, an assistant or a bot"
BY_ELIMINATION = "the only other speaker is the interviewer"
BY_JOINING = "a candidate's meeting token was issued for this name"

_CHAT_ROLES: Mapping[str, Role] = {
    "user": "interviewer",
    "assistant": "candidate",
    "system": "other",
    "developer": "other",
    "tool": "other",
}
"""What the roles of a conversation with a model mean here: the model plays the candidate."""


class Attribution(NamedTuple):
    """A speaker's role, and why, in a few plain words."""

    role: Role
    because: str
    is_positive: bool = False
    """Whether it rests on the request, a role word or a full name."""


class Participants:
    """The people that the room and the briefing name, and those who got a candidate's meeting token."""

    def __init__(self, candidates: Iterable[str], interviewers: Iterable[str], token_names: Iterable[str] = ()) -> None:
        named = _names(candidates)
        self.named_candidates = named
        self.candidates = [*named, *_names(token_names)]
        self.interviewers = _names(interviewers)


def _names(written: Iterable[str]) -> list[Label]:
    return [name for name in map(Label, dict.fromkeys(written)) if name.spellings]


def assign_roles(
    labels: Iterable[str], participants: Participants, roles: Mapping[str, Role], *, has_chat_roles: bool
) -> dict[str, Attribution]:
    """The role of every label, in their order. `roles` are the request's; they win over every other rule.

    `has_chat_roles`: the labels `user` and `assistant` are roles of a conversation with a model.
    """
    every = [Label(written) for written in dict.fromkeys(labels)]
    guessed = _pair_roles(every) or {
        label.written: _attribute(label, participants, has_chat_roles=has_chat_roles) for label in every
    }
    requested = _requested_roles(guessed, roles)
    given = {written: Attribution(role, BY_REQUEST, is_positive=True) for written, role in requested.items()}
    return _by_elimination(every, _single_candidate(every, guessed) | given, participants)


def _requested_roles(labels: Iterable[str], roles: Mapping[str, Role]) -> dict[str, Role]:
    """The roles that the request gives to these labels; case, spaces and brackets may differ.

    A label's decorations may be left out too, where no other label has the same name.
    """
    by_label = {bare_label(written): role for written, role in roles.items()}
    names = {written: bare_label(Label(written).name) for written in labels}
    count = Counter(names.values())
    found = {
        written: roles.get(written)
        or by_label.get(bare_label(written))
        or (by_label.get(name) if count[name] == 1 else None)
        for written, name in names.items()
    }
    return {written: role for written, role in found.items() if role}


def _pair_roles(labels: Sequence[Label]) -> dict[str, Attribution]:
    """Roles of a transcript whose only labels are those of questions and answers."""
    words = {pair_word(label.written) for label in labels}
    pair = next((pair for pair in complete_pairs(words) if words == set(pair)), None)
    if pair is None:
        return {}
    roles: dict[str, Role] = dict(zip(pair, ("interviewer", "candidate"), strict=True))
    because = "all labels are those of questions and answers"
    return {label.written: Attribution(roles[pair_word(label.written)], because, is_positive=True) for label in labels}


def _attribute(label: Label, participants: Participants, *, has_chat_roles: bool) -> Attribution:
    chat_role = _CHAT_ROLES.get(label.normalized) if has_chat_roles else None
    if chat_role:
        return Attribution(chat_role, "it is a role of a conversation with a model", is_positive=True)
    if is_program(label):
        return Attribution("other", BY_A_PROGRAM)
    if states_interviewer(label):
        return _attribute_interviewer(label, participants)
    return _attribute_name(label, participants)


def _attribute_interviewer(label: Label, participants: Participants) -> Attribution:
    if any(map(label.is_same_name, participants.candidates)):
        return Attribution("unknown", "it has the candidate's name and a word for the interviewer")
    return Attribution("interviewer", "its label is a word for the interviewer", is_positive=True)


def _attribute_name(label: Label, participants: Participants) -> Attribution:
    if any(map(label.is_same_name, participants.interviewers)):
        return Attribution("interviewer", "it is the interviewer's full name", is_positive=True)
    is_candidate = any(map(label.is_same_name, participants.candidates))
    if is_candidate or states_candidate(label, participants.candidates):
        if _names_one_of(label, participants.interviewers):
            return Attribution("unknown", "it fits both the candidate and the interviewer")
        return Attribution("candidate", _reason_for_candidate(label, participants), is_positive=True)
    if any(map(label.is_part_of_name, participants.candidates)):
        return Attribution("unknown", "it is not exactly the candidate's name")
    if any(map(label.is_part_of_name, participants.interviewers)):
        return Attribution("interviewer", "it has a part of the interviewer's name")
    return Attribution("unknown", "its label names neither the candidate nor the interviewer")


def _reason_for_candidate(label: Label, participants: Participants) -> str:
    if any(map(label.is_same_name, participants.named_candidates)):
        return "it is the candidate's full name"
    return (
        BY_JOINING if any(map(label.is_same_name, participants.candidates)) else "its label is a word for the candidate"
    )


def _decorations_name_one_of(label: Label, names: Sequence[Label]) -> bool:
    return any(part.is_same_name(name) for part in map(Label, label.decorations) for name in names)


def _names_one_of(label: Label, names: Sequence[Label]) -> bool:
    return any(map(label.is_part_of_name, names)) or _decorations_name_one_of(label, names)


def _single_candidate(labels: Iterable[Label], roles: Mapping[str, Attribution]) -> dict[str, Attribution]:
    """Of several numbered candidates, it is not known which is this room's."""
    numbers = {
        tuple(word for word in label.words if word.isdecimal())
        for label in labels
        if roles[label.written].role == "candidate" and states_candidate(label, ())
    }
    if len(numbers) < len(("Candidate 1", "Candidate 2")):
        return dict(roles)
    several = Attribution("unknown", "the transcript numbers several candidates")
    return {written: several if each.role == "candidate" else each for written, each in roles.items()}


def _by_elimination(
    labels: Sequence[Label], roles: dict[str, Attribution], participants: Participants
) -> dict[str, Attribution]:
    """Of exactly two speakers, one positively the interviewer, the other one is the candidate, unless the label rules
    that out.
    """
    people = {normalize(label.name) for label in labels}
    has_interviewer = any(each.role == "interviewer" and each.is_positive for each in roles.values())
    has_candidate = any(each.role == "candidate" for each in roles.values())
    others = [label for label in labels if roles[label.written].role == "unknown"]
    if len(people) != len(("interviewer", "candidate")) or not has_interviewer or has_candidate:
        return roles
    if not all(_may_be_candidate(label, participants) for label in others):
        return roles
    return roles | {label.written: Attribution("candidate", BY_ELIMINATION) for label in others}


def _may_be_candidate(label: Label, participants: Participants) -> bool:
    """Not a label of several people, of the interviewer too, or with another full name than the candidate's."""
    if label.is_of_several_people or states_interviewer(label) or _names_one_of(label, participants.interviewers):
        return False
    is_another_name = all(label.name_words != name.name_words for name in participants.candidates)
    return not (participants.candidates and label.may_be_full_name and is_another_name)
