"""The usual ways of saying whether to hire somebody, for text in lower case without punctuation and accents.

Words that occur in honest evidence too (`decided to reject malformed events`,
`ran the hiring of three`) count only with a person, a subject or a place in the
sentence that makes a verdict of them.
"""

import re

_PERSON = r"(?:her|him|them|(?:this|the) (?:candidate|applicant|person))"
_SUBJECT = r"(?:i|we|you|she|he|they|id|wed|ill|candidate|applicant|company|team)"
_MODAL = r"(?:would|should|must|will|can|could|do|might|may|wouldnt|shouldnt|wont|dont|cannot|cant)"
_SURELY = r"(?:(?:not|be|definitely|certainly|absolutely|strongly|gladly|happily|probably|never|also|still) )*"
_AT_ONCE = (
    r"(?: (?:now|today|immediately|right away|at once|asap|again|without (?:a |any )?(?:doubt|hesitation|reservations?)"
    r"|in a heartbeat|for (?:the|this) (?:role|job|position)))*"
)
_ROUND = r"(?:the |an? |our )?(?:next|final|second|third|last|onsite|on site) (?:round|stage|interview|step)s?"
_MAKING_OFFERS = r"(?:i|we|id|wed|ill|would|will|could|should|must|recommend|definitely)"
_NOT_PEOPLE = r"(?! (?:freeze|budget|slowly|people|engineers|juniors|seniors|staff))"

_HIRE = (
    rf"(?:strong(?:ly)?|lean(?:ing)?|clear|definite|solid|easy|obvious|must)(?: an?)? ?(?:no ?)?hire{_NOT_PEOPLE}",
    rf"(?:no|dont|do not) ?hire{_NOT_PEOPLE}",
    r"not an? (?:\w+ )?hire",
    r"(?:is|be|shes|hes|makes|make) an? (?:\w+ )?hire",
    r"(?:un)?hire? ?(?:able|worthy)",
    r"worth(?:y of)? (?:an? )?(?:hire|hiring|offer)",
    r"(?:leans?|leaning|inclined|tends?) (?:to|towards?) (?:an? |not )?(?:strong |no )?hir(?:e|ing)",
    rf"{_SUBJECT} (?:{_MODAL} )?{_SURELY}(?:hire|reject|advance) {_PERSON}",
    rf"(?:i|id|ill|wed|(?:i|we) {_MODAL}|you (?:should|must)) {_SURELY}hire{_NOT_PEOPLE}",
    rf"{_MODAL} {_SURELY}hire(?: {_PERSON}|{_AT_ONCE}$)",
    rf"(?:should|must|would|will|deserves to|ought to|shouldnt|wouldnt|wont) {_SURELY}be {_SURELY}hired",
    rf"(?:she|he|they|candidate|applicant) {_MODAL} {_SURELY}(?:rejected|advanced?|proceed|move (?:on|forward|ahead))",
)

_RECOMMENDATION = (
    rf"recommend (?:\w+ ){{0,4}}?(?:hire|hiring|rejection|an? offer|{_PERSON})",
    rf"(?:recommended|recommendation)(?: is)?(?: for| to| :)? (?:the |an? |strong |no |not )*(?:hire|hiring|{_ROUND})",
    r"(?:hire|hiring|rejection|offer) is (?:strongly |highly |not )?recommended",
    r"(?:strongly|highly) recommend(?:ed)?$",
    r"recommendation (?::|is|would be|remains)",
    r"(?:overall|final|hiring|my) (?:recommendation|verdict)",
    r"verdict (?::|is|would be|(?:\w+ ){0,4}?(?:hire|hiring|reject\w*|offer))",
    r"(?:decision|bottom line|conclusion) : (?:\w+ ){0,3}?(?:hire|hiring|reject|rejection|offer|advance|proceed|pass)",
    r"(?:hiring|overall|final|my) decision (?::|is)",
    r"(?:overall|final|total) (?:rating|score|grade|mark) (?::|is|was|of \d|\d)",
)

_OFFER_OR_ROUND = (
    (
        rf"(?:^|{_MAKING_OFFERS} )(?:extend|make|give|extending|making) (?:{_PERSON} )?(?:an|the) (?:job )?offer"
        rf"(?: to {_PERSON}|{_AT_ONCE}$)"
    ),
    r"deserves? (?:an|the|this|a) (?:\w+ )?(?:offer|job|role|position)",
    (
        rf"(?:^|{_MODAL} |(?:lets|please|recommend|to) ){_SURELY}(?:advance|advancing|move|moving|pass|proceed|invite)"
        rf"(?: {_PERSON}| forward| on| ahead| straight| directly)* (?:to|for|into) {_ROUND}"
    ),
    rf"(?:ready|suitable|qualified) for {_ROUND}",
)

_GERMAN = (
    r"empfehl\w* (?:\w+ ){0,4}?(?:einstell\w*|einzustellen|abzulehnen|absage|ablehnung)",
    r"einstellungsempfehlung|einstellung (?:wird )?empfohlen",
    r"(?:sofort|unbedingt|definitiv|auf jeden fall) (?:einstellen|einzustellen)$",
    (
        r"(?:wurden?|sollten?|muss|mussen|mochte)(?: (?:ich|wir|sie|ihn|man|unbedingt|sofort|nicht))+ "
        r"(?:einstellen|eingestellt|ablehnen|abgelehnt)"
    ),
)
_FRENCH = (
    r"a (?:ne pas )?(?:embaucher|recruter)(?: (?:sans|absolument|immediatement|tout de suite|durgence)\b|$)",
    r"recommand\w* (?:\w+ ){0,3}?(?:[dl]|de |de l)?(?:embauch\w*|recrut\w+)",
    r"avis (?:tres )?(?:favorable|defavorable) a lembauche",
)
_SPANISH = (
    r"contratar(?:l[aoe]s?|ia)? (?:sin (?:ninguna )?dudas?|de inmediato|inmediatamente)",
    r"(?:recomiend|recomend)\w+ (?:\w+ ){0,3}?contrata\w*",
    r"(?:hay que|se debe|debemos) contratarl[ao]s?",
)
_WHOLE_SENTENCE = (
    (
        r"^(?:so |please |definitely |clear |final |do not |dont )*(?:reject(?:ed)?|rejection|advance|proceed)"
        rf"(?: {_PERSON})?{_AT_ONCE}$"
    ),
    r"^(?:ablehnen|absage|a (?:rejeter|refuser)|rechazar(?:l[ao])?)$",
)

_PHRASES = (*_HIRE, *_RECOMMENDATION, *_OFFER_OR_ROUND, *_GERMAN, *_FRENCH, *_SPANISH, *_WHOLE_SENTENCE)

VERDICT = re.compile(rf"(?<!\w)(?:{'|'.join(_PHRASES)})(?!\w)")
"""In a sentence."""

BARE_VERDICT = re.compile(
    r"(?:(?:yes|so|please|definitely|absolutely|do|lets|an?|just|simply|not|dont|great|excellent|good|safe|perfect) )*"
    rf"hire(?: (?:{_PERSON}|me))?{_AT_ONCE}"
    r"|(?:bitte |sofort |unbedingt |nicht |auf jeden fall )*einstellen(?: bitte| sofort)?|klare (?:einstellung|absage)"
    r"|(?:ne pas |il faut )?embauche[rz]?(?: l[ae])?(?: sans hesit\w+)?"
    r"|(?:no |si )?contratar(?:l[aoe]s?)?(?: ya)?"
)
"""As all that a sentence says, or a part of it between commas, colons and dashes."""
