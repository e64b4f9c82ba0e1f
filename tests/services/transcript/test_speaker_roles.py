"""Who is the candidate: only a role word, a full name or the request says so, and every role has its reason."""

import pytest

from services.transcript.transcript import SourceTurn
from tests.services.transcript.reading import parse, roles_of, words_by_role

LED = "You clearly led the whole migration alone"


def in_text(*labels: str) -> str:
    return "\n".join(f"{label}: Hello there." for label in labels)


def in_json(*labels: str) -> list[SourceTurn]:
    return [SourceTurn(label, "Hello there.") for label in labels]


@pytest.mark.parametrize(
    "label",
    [
        "Dario Vento",
        "DARIO VENTO",
        "dario  vento",
        "Darío Ventó",
        "Dr. Dario Vento",
        "Dario Vento, PhD",
        "Dario Vento (he/him)",
        "Dario Vento he/him",
        "Dario Vento (pronouns: he/him)",
        "Dario Vento (Quayside, host)",
        "Dario Vento [Quayside]",
        "Dario Vento | Quayside",
        "Dario Vento - Quayside Ltd",
        "Dario Vento @ Quayside",
        "Dario Vento 🎧",
        "~ Dario Vento",
        "Dario Vento External",
        "Dario Vento (Guest)",
        "Dario Vento (Extern)",
        "Vento, Dario",
        "Vento, Dario (Guest)",
        "Dario\u200b Vento",
        "Candidate",
        "Candidate 1",
        "Applicant (Dario)",
        "Candidate - Dario Vento",
        "Elena Ruiz (Candidate)",
        "Kandidatin",
        "Candidat(e)",
        "候选人",
        "지원자",
        "מועמדת",
        "Uchazeč",
    ],
)
def test_full_name_and_role_word_are_the_candidates(label):
    transcript = parse(in_text("Nora Kim", label), "Dario Vento", ["Nora Kim"])

    assert roles_of(transcript) == ["interviewer", "candidate"]
    assert transcript.warnings == ()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Łukasz Wójcik", "Lukasz Wojcik"),
        ("Lukasz Wojcik", "Łukasz Wójcik"),
        ("Jürgen Groß", "Juergen Gross"),
        ("Juergen Gross", "Jürgen Groß"),
        ("Søren Åkesson", "Soeren Aakesson"),
        ("Jose\u0301 Nun\u0303ez", "José Nuñez"),
        ("Γιώργος Παππάς", "γιωργος παππας"),
        ("王小明", "王 小明"),
        ("佐藤花子", "佐藤 花子さん"),
        ("김민준", "김민준 님"),
        ("Ada", "Ada"),
    ],
)
def test_names_are_compared_without_accents(name, label):
    assert roles_of(parse(in_text("Interviewer", label), name)) == ["interviewer", "candidate"]
    assert parse(in_text("Interviewer", label), name).warnings == ()


@pytest.mark.parametrize(
    "label",
    [
        "Dario",
        "Vento",
        "D. Vento",
        "Dario V",
        "Dario Luis Vento",
        "Vento Dario",
        "Dario Vento's iPhone",
        "Dario & Elena",
        "Dario Vento & Elena Ruiz",
        "Elena Ruiz (Dario Vento)",
        "Dario Vento, Elena Ruiz",
        "Dario Vento → Sam Lee",
        "Candidate Experience Lead",
        "Elena Ruiz",
    ],
)
def test_other_name_is_never_the_candidates(label):
    transcript = parse(in_text("Nora Kim", label, "Sam Lee"), "Dario Vento", ["Nora Kim"])

    assert roles_of(transcript)[1] == "unknown"
    assert not transcript.has_candidate


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("Nora Kim (she/her)", "interviewer"),
        ("Kim, Nora", "interviewer"),
        ("Nora", "interviewer"),
        ("Interviewer 2", "interviewer"),
        ("Sam Lee (Recruiter)", "interviewer"),
        ("Hiring Manager", "interviewer"),
        ("Entrevistadora", "interviewer"),
        ("מראיין", "interviewer"),
        ("Mülakatçı", "interviewer"),
        ("AI", "other"),
        ("AI Assistant", "other"),
        ("Voice Agent", "other"),
        ("Nora's Notetaker", "other"),
        ("Otter.ai", "other"),
        ("Dario Vento (AI)", "other"),
        ("Dario Vento's Notetaker", "other"),
        ("User", "unknown"),
        ("Guest", "unknown"),
        ("Speaker 1", "unknown"),
        ("Dario Vento (Interviewer)", "unknown"),
        ("Candidate (Nora Kim)", "unknown"),
        ("AI Engineer", "unknown"),
    ],
)
def test_label_in_a_text_has_its_role(label, role):
    transcript = parse(in_text("Tom Berg", label, "Uma Das"), "Dario Vento", ["Nora Kim"])

    assert roles_of(transcript) == ["unknown", role, "unknown"]


def test_name_of_both_is_the_interviewers():
    assert roles_of(parse(in_text("Sam Lee", "Guest", "Ann Ox"), "Sam Lee", ["Sam Lee"]))[0] == "interviewer"


def test_first_name_of_both_is_unknown():
    assert roles_of(parse(in_text("Sam", "Guest", "Ann Ox"), "Sam Lee", ["Sam Ray"]))[0] == "unknown"


def test_several_numbered_candidates_are_unknown():
    transcript = parse(in_text("Interviewer", "Candidate 1", "Candidate 2"))

    assert roles_of(transcript) == ["interviewer", "unknown", "unknown"]
    assert not transcript.has_candidate


@pytest.mark.parametrize(
    "labels",
    [("Q", "A"), ("I", "C"), ("I", "R"), ("Q1", "A1"), ("Question", "Answer"), ("Frage", "Antwort"), ("问", "答")],
)
def test_labels_of_question_and_answer_are_roles(labels):
    assert roles_of(parse(in_text(*labels, *labels))) == ["interviewer", "candidate"] * 2


def test_initial_beside_other_labels_is_no_role():
    assert roles_of(parse(in_text("A", "B", "Q"))) == ["unknown"] * 3


def test_assistant_is_the_candidate_in_json_and_a_program_in_text():
    assert roles_of(parse(in_json("user", "assistant"))) == ["interviewer", "candidate"]
    assert roles_of(parse(in_text("user", "assistant", "user", "assistant"))) == ["unknown", "other"] * 2


ELIMINATED = [
    "Speaker 2",
    "D. Vento",
    "Dario V. Vento",
    "Guest",
    "User",
    "Dario",
    "Elena",
    "+44 20 7946 0958",
]


@pytest.mark.parametrize("label", ELIMINATED)
@pytest.mark.parametrize("interviewer", ["Nora Kim", "Interviewer"])
def test_only_other_speaker_is_the_candidate_with_a_warning(label, interviewer):
    transcript = parse(in_text(interviewer, label, interviewer, label), "Dario Vento", ["Nora Kim"])

    assert roles_of(transcript)[1] == "candidate"
    assert transcript.warnings[0].startswith(f"“{label}” was taken for the candidate by elimination")
    assert transcript.speakers[1].because == "the only other speaker is the interviewer"


@pytest.mark.parametrize(
    "labels",
    [
        ("Nora Kim", "Elena Ruiz"),
        ("Nora Kim", "ELENA RUIZ (Guest)"),
        ("Nora Kim", "Ruiz, Elena"),
        ("Nora Kim", "Elena B. Ruiz"),
        ("Nora Kim", "Elena Ruiz 2"),
        ("Nora Kim", "Elena Ruiz ✨"),
        ("nora kim", "elena ruiz"),
        ("Nora Kim", "elena.ruiz@example.org"),
        ("Nora Kim", "Dario Luis Vento"),
        ("Nora Kim", "Guest (Nora Kim)"),
        ("Nora Kim", "AI"),
        ("Nora Kim", "Nora & Guest"),
        ("Nora Kim", "Guest", "Speaker 2"),
        ("Nora", "Guest"),
        ("Speaker 1", "Speaker 2"),
        ("Dario Vento (Interviewer)", "Guest"),
    ],
)
def test_elimination_requires_two_speakers_and_an_ordinary_label(labels):
    transcript = parse(in_text(*labels), "Dario Vento", ["Nora Kim"])

    assert not transcript.has_candidate
    assert "so nothing is rated" in transcript.warnings[0]


def test_another_full_name_is_the_candidates_only_if_no_name_is_known():
    assert roles_of(parse(in_text("Interviewer", "Elena Ruiz"))) == ["interviewer", "candidate"]


def test_unclear_label_beside_the_candidates_is_not_eliminated():
    labels = ("Nora Kim", "Dario Vento", "Dario Vento (Nora Kim)")

    assert roles_of(parse(in_text(*labels), "Dario Vento", ["Nora Kim"])) == ["interviewer", "candidate", "unknown"]


@pytest.mark.parametrize("label", ["[Speaker 2]", "Speaker 2:", "**speaker 2**", " (SPEAKER 2) "])
def test_marks_around_a_label_of_the_request_do_not_count(label):
    transcript = parse(
        "[Speaker 1] Why?\n[Speaker 2] So.\n[Speaker 1] And?\n[Speaker 2] Fine.",
        roles={"Speaker 1": "interviewer", label: "candidate"},
    )

    assert roles_of(transcript) == ["interviewer", "candidate"] * 2
    assert transcript.warnings == ()


def test_interviewer_is_not_found_by_elimination():
    transcript = parse(in_text("Dario Vento", "Guest"), "Dario Vento", ["Nora Kim"])

    assert roles_of(transcript) == ["candidate", "unknown"]


def test_request_wins_over_every_guess():
    roles = {"dario vento": "interviewer", "AI": "candidate", "Interviewer": "other"}

    transcript = parse(in_text("Dario Vento (he/him)", "AI", "Interviewer"), "Dario Vento", roles=roles)

    assert roles_of(transcript) == ["interviewer", "candidate", "other"]
    assert {speaker.because for speaker in transcript.speakers} == {"the request's `speakers` says so"}
    assert transcript.warnings == ()


def test_label_of_the_request_begins_turns():
    source = "mod: why\nguest no 7: so it was\nmod: fine\nguest no 7: bye"

    transcript = parse(source, roles={"guest no 7": "candidate", "mod": "interviewer"})

    assert words_by_role(transcript)[1] == ("candidate", "so it was")


def test_label_of_the_request_that_does_not_occur_gives_a_warning():
    (warning,) = parse(in_text("Interviewer", "Candidate"), roles={"Speaker 9": "candidate"}).warnings

    assert warning == "`speakers` has “Speaker 9”, but the transcript's labels are “Interviewer”, “Candidate”."


def test_every_speaker_has_a_role_a_reason_and_counts():
    speakers = parse(
        "Nora Kim: Why?\nDario Vento: So it was.\nNora Kim: Fine, thanks.", "Dario Vento", ["Nora Kim"]
    ).speakers

    assert [(each.label, each.role, each.because, each.turns, each.words) for each in speakers] == [
        ("Nora Kim", "interviewer", "it is the interviewer's full name", 2, 3),
        ("Dario Vento", "candidate", "it is the candidate's full name", 1, 3),
    ]


@pytest.mark.parametrize(
    ("source", "evidence"),
    [
        (f"Dario Vento: I helped.\nSam Lee: {LED}", [True, False]),
        (f"Dario Vento: I helped.\nAI: {LED}", [True, False]),
        (f"Sam Lee: I helped.\nUma Das: {LED}", [True, True]),
        (f"Sam Lee: I helped.\nNora Kim: {LED}\nUma Das: Hm.", [True, False, True]),
        (f"{LED}\n\nI helped.", [True, True]),
        (f"WEBVTT\n\n00:01.000 --> 00:02.000\n{LED}\n\n00:02.000 --> 00:03.000\nSam Lee: I helped.", [False, True]),
    ],
)
def test_words_are_evidence_if_they_can_be_the_candidates(source, evidence):
    assert [turn.is_evidence for turn in parse(source, "Dario Vento", ["Nora Kim"]).turns] == evidence


def test_unknown_candidate_is_explained_with_an_example():
    (warning,) = parse(in_text("Speaker 1", "Speaker 2")).warnings

    assert warning == (
        "No speaker is positively the candidate, so nothing is rated. Write `Candidate:` before the candidate's words, or "
        'send `speakers`, for example {"Speaker 1": "interviewer", "Speaker 2": "candidate"}. The labels are “Speaker 1”, '
        "“Speaker 2”."
    )


def test_text_without_labels_is_explained():
    (warning,) = parse("She built it alone.").warnings

    assert warning == (
        "The transcript names no speakers, so nothing is rated. Write `Candidate:` and `Interviewer:` before their words."
    )


def test_program_is_explained():
    warnings = parse(in_text("AI", "User")).warnings

    assert (
        "“AI” is the label of a program (an AI, an assistant or a bot), so its words are not used as evidence."
        in warnings
    )


def test_unknown_speaker_beside_the_candidate_is_explained():
    (warning,) = parse(in_text("Interviewer", "Candidate", "Carol Other")).warnings

    assert warning == (
        "The words of “Carol Other” are not used as evidence, because it is not certain that the candidate speaks. If so, "
        "send `speakers`."
    )


def test_long_list_of_labels_is_shortened():
    (warning,) = parse(in_json(*(f"Guest {number} {'x' * 80}" for number in range(9)))).warnings

    assert "and 4 more" in warning
    assert "x" * 61 not in warning


def test_candidate_words_are_counted_in_any_script():
    assert parse("面试官：请\n候选人：我设计了账本系统").candidate_words == 4


@pytest.mark.parametrize(
    ("labels", "roles", "expected"),
    [
        (("Sam Lee", "Sam Lee (Interviewer)"), {"Sam Lee": "candidate"}, ["candidate", "interviewer"]),
        (("Sam Lee", "Sam Lee (AI)"), {"Sam Lee": "candidate"}, ["candidate", "other"]),
        (("Sam (Acme)", "Sam (Globex)"), {"Sam (Acme)": "candidate"}, ["candidate", "unknown"]),
        (("bob", "Bob"), {"bob": "interviewer", "Bob": "candidate"}, ["interviewer", "candidate"]),
        (("Sam Lee (she/her)", "Nora Kim"), {"Sam Lee": "candidate"}, ["candidate", "unknown"]),
    ],
)
def test_role_of_the_request_is_given_to_no_other_label_of_the_same_name(labels, roles, expected):
    assert roles_of(parse(in_text(*labels), roles=roles)) == expected
