"""Topics that an interviewer should not ask about, recognised by phrases in single sentences.

The phrases address a person, since the words alone have legitimate uses: health checks, union types, race conditions.
The table is short; a question that is not in it is not therefore allowed.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.evidence.prose import plain_words
from services.evidence.sentences import sentences_in
from services.text.normalization import Span


class _Topic(NamedTuple):
    name: str
    phrases: Sequence[str]
    legitimate: Sequence[str]
    """Phrases that make a question legitimate."""


def _topic(name: str, *phrases: str, legitimate: Sequence[str] = ()) -> _Topic:
    return _Topic(name, [f" {plain_words(phrase)} " for phrase in phrases], [f" {word} " for word in legitimate])


_OFFERS = ("we offer", "we provide", "we pay", "benefits", "policy")

_TOPICS = (
    _topic(
        "age",
        *("how old are you", "your age", "your date of birth", "your birthday", "what year were you born"),
        *("when were you born", "wie alt sind sie", "ihr alter", "ihr geburtsdatum", "wann sind sie geboren"),
        *("quel âge avez vous", "votre âge", "qué edad tiene", "cuántos años tiene", "su edad"),
        legitimate=("at least 18", "over 18"),
    ),
    _topic(
        "family",
        *("are you married", "are you single", "are you divorced", "your husband", "your wife", "your spouse"),
        *("your marital status", "your children", "your kids", "do you have children", "do you have kids"),
        *("do you have any children", "do you have any kids", "do you want children", "do you plan to have children"),
        *("planning to have children", "start a family", "have a family", "childcare", "sind sie verheiratet"),
        *("haben sie kinder", "ihre kinder", "kinderwunsch", "êtes vous marié", "êtes vous mariée"),
        *("avez vous des enfants", "está casado", "está casada", "tiene hijos"),
        legitimate=_OFFERS,
    ),
    _topic(
        "pregnancy",
        *("are you pregnant", "you pregnant", "get pregnant", "getting pregnant", "expecting a baby"),
        *("expecting a child", "your maternity leave", "take maternity leave", "your parental leave"),
        *("sind sie schwanger", "schwangerschaft", "êtes vous enceinte", "está embarazada"),
        legitimate=_OFFERS,
    ),
    _topic(
        "religion",
        *("your religion", "your church", "your mosque", "your synagogue", "what church", "go to church"),
        *("are you religious", "are you christian", "are you muslim", "are you jewish", "are you hindu"),
        *("are you catholic", "do you pray", "do you believe in god", "ihre religion", "ihre konfession"),
        *("votre religion", "su religión"),
    ),
    _topic(
        "origin",
        *("where are you really from", "where are you originally from", "where are you actually from"),
        *("where were you born", "where are your parents from", "your nationality", "your ethnicity", "your race"),
        *("your accent", "your native language", "your native country", "your skin", "woher kommen sie wirklich"),
        *("woher kommen sie eigentlich", "woher kommen sie ursprünglich", "ihre herkunft", "ihre nationalität"),
        *("votre origine", "votre nationalité", "su origen", "su nacionalidad"),
        legitimate=("race condition", "race conditions", "authorised to work", "authorized to work", "right to work"),
    ),
    _topic(
        "health",
        *("your health", "your disability", "your disabilities", "your illness", "your medical history"),
        *("your medical condition", "your medication", "are you disabled", "do you have a disability"),
        *("do you have any disabilities", "do you have an illness", "a medical condition", "any medical conditions"),
        *("are you ill", "how often are you sick", "sind sie krank", "sind sie behindert", "sind sie gesund"),
        *("ihre gesundheit", "eine behinderung", "votre santé", "êtes vous malade", "su salud"),
        legitimate=("check", "checks", "endpoint", "endpoints", "accommodations", "services", "system"),
    ),
    _topic(
        "orientation",
        *("your sexual orientation", "sexual preference", "are you gay", "are you lesbian", "are you straight"),
        *("are you bisexual", "are you transgender", "your boyfriend", "your girlfriend", "sind sie schwul"),
        *("sind sie lesbisch", "ihre sexuelle orientierung", "votre orientation sexuelle", "su orientación sexual"),
    ),
    _topic(
        "union",
        *("are you in a union", "are you a union member", "union member", "in a trade union", "in a labor union"),
        *("join a union", "joining a union", "your union", "union membership", "in der gewerkschaft"),
        *("in einer gewerkschaft", "syndiqué", "membre d un syndicat", "miembro de un sindicato"),
        legitimate=("type", "types", "query", "sql", "european", "credit"),
    ),
    _topic(
        "criminal record",
        *("criminal record", "have you ever been arrested", "have you been arrested", "have you ever been convicted"),
        *("have you been convicted", "been in prison", "been in jail", "vorbestraft", "vorstrafen"),
        *("casier judiciaire", "antecedentes penales"),
        legitimate=("dataset", "data set", "database", "records system"),
    ),
)


def unlawful_topics(text: str) -> Iterator[str]:
    """Which of the topics the text asks about, each once."""
    plain = f" {plain_words(text)} "
    asked = [topic for topic in _TOPICS if any(phrase in plain for phrase in topic.phrases)]
    if asked:
        sentences = [f" {plain_words(text[start:end])} " for start, end in sentences_in(text, Span(0, len(text)))]
        yield from (topic.name for topic in asked if any(_asks_about(topic, sentence) for sentence in sentences))


def _asks_about(topic: _Topic, sentence: str) -> bool:
    is_legitimate = any(phrase in sentence for phrase in topic.legitimate)
    return not is_legitimate and any(phrase in sentence for phrase in topic.phrases)
