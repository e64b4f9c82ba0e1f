"""Words that name a role in a label: for the candidate, the interviewer, a program, and a question with its answer."""

import re
from collections.abc import Iterable, Sequence

from services.text.normalization import normalize
from services.transcript.speaker_names import Label, words_of


def _labels(words: str) -> frozenset[str]:
    return frozenset(normalize(word) for word in words.split())


_INTERVIEWER_WORDS = _labels(
    "interviewer recruiter interviewerin recruiterin entrevistador entrevistadora reclutador reclutadora intervieweur "
    "intervieweuse recruteur recruteuse intervistatore intervistatrice recrutador recrutadora интервьюер рекрутер "
    "rekruter rekruterka görüşmeci mülakatçı intervjuare intervjuer haastattelija tazatel tazatelka pewawancara "
    "συνεντευκτής מראיין מראיינת 面试官 面試官 面接官 採用担当 면접관 인터뷰어 المحاور साक्षात्कारकर्ता ผู้สัมภาษณ์"
)
_INTERVIEWER_LABELS = _labels("host moderator panelist panellist employer") | {"hiring manager"}
"""Words that occur in people's names too, and count only as the whole label."""

_CANDIDATE_WORDS = _labels(
    "candidate applicant interviewee respondent kandidat kandidatin bewerber bewerberin candidato candidata "
    "candidat candidate candidatul sollicitant kandidaat kandydat kandydatka кандидат кандидатка соискатель "
    "соискательница aday hakija uchazeč uchazečka υποψήφιος υποψήφια מועמד מועמדת "
    "候选人 候選人 应聘者 應聘者 求职者 候補者 応募者 志願者 지원자 후보자 المرشح उम्मीदवार ผู้สมัคร"
)
ROLE_WORDS = _INTERVIEWER_WORDS | _INTERVIEWER_LABELS | _CANDIDATE_WORDS | {"hiring", "manager"}
"""Every word that can name a role."""

_PROGRAM_WORDS = _labels(
    "ai bot assistant agent chatbot copilot notetaker system ki ia asistente assistent ассистент бот"
)
"""A label, or a part of it, that consists of these is a program's."""
_WORDS_BESIDE_PROGRAM = _labels("voice virtual digital interview meeting my the call phone by note taker")
_ALWAYS_PROGRAMS = _labels("notetaker chatbot bot otter fireflies")

_PAIRS = (
    *(("q", "a"), ("i", "c"), ("i", "r"), ("question", "answer"), ("frage", "antwort"), ("question", "réponse")),
    *(("pregunta", "respuesta"), ("domanda", "risposta"), ("pergunta", "resposta"), ("вопрос", "ответ")),
    *(("问", "答"), ("問", "答"), ("질문", "답변")),
)
"""Question and answer, interviewer and candidate or respondent: roles when a transcript has no other label."""


_PART_BREAKS = re.compile(r"[(\[{<（【［)\]}>）】］|/,·•]|\s[-–—]\s")


def states_role(label: Label) -> bool:
    """Whether the label names a role in words, such as `Candidate`, `Interviewer 2` or `Jane (Recruiter)`."""
    return states_interviewer(label) or states_candidate(label, ())


def states_interviewer(label: Label) -> bool:
    """Whether one of the words is one for the interviewer, or the whole label is."""
    if not _INTERVIEWER_WORDS.isdisjoint(label.words):
        return True
    return " ".join(_without_numbers(label.words)) in _INTERVIEWER_LABELS


def states_candidate(label: Label, names: Sequence[Label]) -> bool:
    """Whether a part of the label is only a word for the candidate: a `Candidate Experience Lead` is no candidate."""
    if _CANDIDATE_WORDS.isdisjoint(label.words):
        return False
    named = {word for name in names for word in name.words}
    parts = (set(_without_numbers(words_of(part))) for part in _PART_BREAKS.split(label.written))
    return any(part & _CANDIDATE_WORDS and part <= _CANDIDATE_WORDS | named for part in parts)


def is_program(label: Label) -> bool:
    """Whether the label is that of a program: `AI`, `Voice Assistant`, `Nora's Notetaker`, `Nora Kim (AI)`."""
    if not _ALWAYS_PROGRAMS.isdisjoint(label.words):
        return True
    parts = (set(_without_numbers(words_of(part))) for part in (label.name, *label.decorations))
    return any(part & _PROGRAM_WORDS and part <= _PROGRAM_WORDS | _WORDS_BESIDE_PROGRAM for part in parts)


def complete_pairs(labels: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of question and answer labels that occur together."""
    present = set(map(pair_word, labels))
    return [pair for pair in _PAIRS if present.issuperset(pair)]


def pair_word(label: str) -> str:
    """The label as pairs have it: in lower case and without a number."""
    return label.lower().rstrip("0123456789. ")


def _without_numbers(words: Iterable[str]) -> list[str]:
    return [word for word in words if not word.isdecimal()]
