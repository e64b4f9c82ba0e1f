"""What a plan must not ask about, and what sounds like it and may be asked."""

import pytest

from services.evidence.personal_topics import is_personal, personal_topics, topics_of_name

PERSONAL = [
    ("age", "How old are you, and how do you lead staff?"),
    ("age", "When did you graduate from high school?"),
    ("age", "Would your age be a problem with a younger team?"),
    ("family", "Who looks after your children when you work?"),
    ("family", "Are you planning a family?"),
    ("family", "How does your partner feel about the travel?"),
    ("family", "As a mother of two, how do you manage to be on call?"),
    ("family", "Whether she plans a family."),
    ("pregnancy", "As a member of staff, are you pregnant?"),
    ("religion", "Which holidays do you observe?"),
    ("religion", "Do you go to mosque?"),
    ("origin", "Are you a citizen?"),
    ("origin", "Must be a native speaker."),
    ("health", "Have you ever been treated for depression?"),
    ("health", "Do you take any medication?"),
    ("orientation", "Are you gay?"),
    ("union", "Are you a member of a trade union?"),
    ("criminal record", "Have you ever been arrested?"),
    ("age", "Born in 1979, how do you keep up with new tools?"),
    ("family", "Whether they have small kids."),
    ("family", "As a mother of two, how would you be on call?"),
    ("religion", "Which church do you attend?"),
    ("origin", "Were you born here?"),
    ("origin", "Are you a US citizen?"),
    ("health", "How many days were you off sick last year?"),
    ("criminal record", "Have you ever been in trouble with the law?"),
    ("criminal record", "Do you have a clean police record?"),
    ("age", "How long until you retire?"),
    ("age", "Wann wurden Sie geboren?"),
    ("family", "Was macht Ihr Mann beruflich?"),
    ("family", "Quelle est votre situation familiale ?"),
    ("family", "¿Cuál es su estado civil?"),
    ("religion", "Êtes-vous musulman ?"),
    ("origin", "Welche Staatsangehörigkeit haben Sie?"),
    ("origin", "Where did you grow up?"),
    ("health", "Avez-vous des problèmes de santé ?"),
    ("health", "Have you ever seen a psychiatrist?"),
    ("orientation", "Sind Sie homosexuell?"),
    ("union", "¿Pertenece a algún sindicato?"),
    ("criminal record", "Do you have a felony?"),
    ("family", "Haben Sie Kinder?"),
    ("pregnancy", "¿Está embarazada?"),
]
ABOUT_THE_WORK = [
    "How old was the code base that you migrated?",
    "Tell me about a family of products that you designed.",
    "How did you keep patients' health data safe?",
    "What did you take over from the parent company?",
    "Describe a race condition that you found.",
    "What is a union type, and when would you use one?",
    "How would you care for an elderly patient with a chronic illness?",
    "How did you teach children with different abilities?",
    "Which accessibility problems have you solved for users with disabilities?",
    "How do you let stale cache entries age out?",
    "How did you lead a team across several countries?",
    "When would you retire a service, and how?",
    "Que faites-vous quand un service ne répond pas ?",
    "Wie gehen Sie mit Krankmeldungen im Schichtplan um?",
]


@pytest.mark.parametrize(("topic", "text"), PERSONAL)
def test_a_personal_topic_is_named(topic, text):
    assert topic in list(personal_topics(text))


@pytest.mark.parametrize("name", ["Age", "Health", "Religion", "Gender"])
def test_a_topic_alone_is_no_name_of_a_focus_area(name):
    assert any(topics_of_name(name))


@pytest.mark.parametrize("name", ["Family law", "Health care", "Storage", "Race conditions"])
def test_the_name_of_a_focus_area_may_have_a_word_of_a_topic(name):
    assert not any(topics_of_name(name))


@pytest.mark.parametrize("text", ABOUT_THE_WORK)
def test_a_question_about_the_work_is_not_personal(text):
    assert not is_personal(text)
