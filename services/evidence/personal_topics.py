"""Finds texts of a plan that touch on a topic that must not play a part in an interview.

Wider than `unlawful_topics`, which looks for what an interviewer said to the candidate: a plan also speaks of the
candidate in the third person, and leaving out a text too many costs little. Some words count only beside a person
(`their age`, `your health`), since they have legitimate uses.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from services.evidence.prose import plain_words
from services.evidence.sentences import sentences_in
from services.evidence.unlawful_topics import unlawful_topics
from services.text.normalization import Span

_POSSESSORS = "your|their|his|her|candidate|candidate s|applicant|applicant s|person s|ihr|ihre|votre|vos|su|sus|tu|tus"
_OTHER_PEOPLE = re.compile(
    r" (?:patients?|users?|customers?|clients?|students?|pupils?|residents?|guests?|members|employees|staff|people"
    r"|accessib\w+|patienten|kunden|nutzer) "
)
"""A sentence about these people is not about the candidate."""
_LEGITIMATE = re.compile(
    r" (?:at least 18|over 18|how old (?:is|was|are|were) the|(?:native|child|parent) (?:process|processes|component)"
    r"|family of|race (?:condition|conditions|detector)|right to work|country codes?"
    r"|health (?:checks?|endpoints?|care|data)|(?:service|services|system|systems|team|code) health"
    r"|union (?:types?|all|query|queries)|(?:european|credit) union)(?= )"
)
"""Terms that contain one of the words and mean something else."""


class _Topic(NamedTuple):
    name: str
    pattern: re.Pattern[str]


def _topic(name: str, *, owned: str, anywhere: str) -> _Topic:
    """`owned` phrases count at most one word behind a possessor, `anywhere` phrases always. `|` separates them."""
    owned, anywhere = ("|".join(map(plain_words, phrases.split("|"))) for phrases in (owned, anywhere))
    return _Topic(name, re.compile(rf" (?:(?:{_POSSESSORS}) (?:\w+ )?(?:{owned})|(?:{anywhere})) "))


_TOPICS = (
    _topic(
        "age",
        owned="age|birthday|birthdate|birth|youth|retirement|alter|geburtsdatum|âge|edad",
        anywhere="how old|years old|date of birth|year of birth|young candidate|younger candidate|older candidate"
        "|too old|too young|young and|youthful|do you plan to retire|will you retire|until retirement|age group"
        "|born in|born on|digital native|graduate from high school|graduate from school|graduated from high school"
        "|finish high school|until you retire|you look young|wie alt|geboren"
        "|bis zur rente|êtes vous né|êtes vous née|edad tiene|edad tienes"
        "|nació|naciste",
    ),
    _topic(
        "family",
        owned="family|families|spouse|husband|wife|child|children|kid|kids|parents|marriage|household|familie|kinder"
        "|ehepartner|famille|enfants|mari|femme|familia|hijos|esposo|esposa|marido|mann|frau",
        anywhere="married|divorced|unmarried|marital|childcare|child care|has children|have children|having children"
        "|has kids|have kids|having kids|small kids|young kids|have small children|have young children|more children"
        "|mother of|father of|as a mother|as a father|as a parent|working mother|working father|working parent"
        "|single mother|single father|single parent|family planning"
        "|family commitments|family obligations|family life|family status|family situation|start a family"
        "|starting a family|planning a family|plan a family|plans a family|family responsibilities"
        "|does your partner|is your partner"
        "|would your partner|verheiratet|familienplanung|familienstand|kinder haben|marié"
        "|mariée|des enfants|casado|casada|tiene hijos|tener hijos|maiden name|live with your partner"
        "|kinder zu bekommen|situation familiale|estado civil",
    ),
    _topic(
        "pregnancy",
        owned="parental leave|schwangerschaft|grossesse|embarazo",
        anywhere="pregnant|pregnancy|maternity|paternity|parental leave|a baby|schwanger|elternzeit|kinderwunsch"
        "|enceinte|embarazada",
    ),
    _topic(
        "religion",
        owned="faith|church|mosque|synagogue|belief|beliefs|prayer|prayers|konfession|foi|fe",
        anywhere="religion|religious|christian|muslim|jewish|hindu|buddhist|catholic|atheist|go to church|do you pray"
        "|to mosque|to temple|which church|what church|for prayers|headscarf"
        "|holidays do you observe|holidays do you celebrate"
        "|believe in god|ramadan|sabbath|konfession|religiös|religieux|religieuse|musulman|musulmane|catholique"
        "|juif|juive|católico|católica|musulmán|musulmana|judío|judía",
    ),
    _topic(
        "origin",
        owned="race|accent|birthplace|citizenship|heritage|native language|home country|country|skin|herkunft"
        "|muttersprache|nationalität|nationalité|nacionalidad",
        anywhere="nationality|ethnic|ethnicity|native speaker|native speakers|mother tongue|first language|immigrant"
        "|immigrants|country of origin|what country are you from|which country are you from|where are you from"
        "|where do you come from|where were you born|foreign accent|without an accent|accent free|skin color"
        "|were you born|are you a citizen|a citizen of|us citizen|eu citizen"
        "|skin colour|muttersprachler|muttersprachlerin|migrationshintergrund|woher kommen sie"
        "|staatsangehörigkeit|quelle origine|de dónde es|did you grow up",
    ),
    _topic(
        "health",
        owned="health|illness|illnesses|disability|disabilities|sickness|medication|medical|gesundheit|behinderung"
        "|krankheit|santé|handicap|salud|discapacidad",
        anywhere="are you disabled|is disabled|has a disability|any disabilities|chronically ill|health problems"
        "|health issues|health condition|medical condition|medical conditions|medical history|mental illness|sick days"
        "|treated for|depression|take any medication|do you smoke|a smoker|in therapy|on any medication"
        "|chronic illness|chronic disease|psychiatrist|hiv|compensation claim|chronische krankheiten|waren sie krank"
        "|jahr krank|êtes vous handicapé|problèmes de santé|alguna discapacidad|problemas de salud"
        "|sick leave|off sick|antidepressants|how healthy|schwerbehindert|vorerkrankungen",
    ),
    _topic(
        "orientation",
        owned="sexual|boyfriend|girlfriend|gender|pronouns",
        anywhere="sexual orientation|sexual preference|sexuality|gay|lesbian|bisexual|heterosexual|homosexual"
        "|transgender|gender identity|a boyfriend|a girlfriend|lgbtq|lgbt|are you trans|schwul|lesbisch"
        "|homosexuell|homosexuel|homosexuelle|orientation sexuelle|orientación sexual",
    ),
    _topic(
        "union",
        owned="union|unions|syndicat|sindicato",
        anywhere="union member|union members|union membership|trade union|trade unions|labor union|labour union"
        "|join a union|any union|any unions|belong to a union|unionized|unionised|gewerkschaft|syndiqué|syndiquée"
        "|algún sindicato|un sindicato",
    ),
    _topic(
        "criminal record",
        owned="criminal|arrest|arrests|antecedentes",
        anywhere="criminal record|criminal history|criminal background|police record|trouble with the law|served time"
        "|criminal conviction|been arrested|was arrested|been convicted"
        "|felony|felonies|misdemeanor|misdemeanors|convicted of|to prison"
        "|in prison|to jail|in jail|vorbestraft|vorstrafen|casier judiciaire"
        "|antecedentes penales",
    ),
)


def personal_topics(text: str) -> Iterator[str]:
    """Which of the topics the text touches on, each once."""
    found = dict.fromkeys(unlawful_topics(text))
    for start, end in sentences_in(text, Span(0, len(text))):
        sentence = f" {plain_words(text[start:end])} "
        if not _OTHER_PEOPLE.search(sentence):
            telling = _LEGITIMATE.sub(" ", sentence)
            found |= dict.fromkeys(topic.name for topic in _TOPICS if topic.pattern.search(telling))
    yield from found


def topics_of_name(name: str) -> Iterator[str]:
    """The same for the name of a focus area. A word alone, such as `Age`, is about the candidate."""
    return personal_topics(name if " " in name else f"your {name}")


def is_personal(text: str) -> bool:
    """Whether the text touches on any of the topics."""
    return any(True for _ in personal_topics(text))
