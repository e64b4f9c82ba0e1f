"""Selections beside their own negation, in the languages that users are likely to meet."""

import pytest

from services.evidence.negations import is_beside_negation

REVERSED = [
    *("I did not [lead the migration]", "I didn't [lead the migration]", "I never [led the migration]"),
    *("I do not know if [I led it]", "I did not plan and [lead it]", "I don't think [I led it]"),
    *("I can not say that [I led it]", "without ever [leading a team]", "[I would say I was] not the lead"),
    *(
        "[the team and I have] never led it",
        "[we had all in all] no outage",
        "[it was done by the team and] none of me",
    ),
    *("Ich habe nicht [die Migration geleitet]", "Ich habe kein [einziges Team geleitet]"),
    *("[Ich habe die Migration] nicht geleitet", "[Das Projekt leitete ich] damals nicht.", "[Das war ich] nie."),
    *(
        "Je n'ai pas [dirigé la migration]",
        "Je ne [dirigeais pas la migration]",
        "[Cette migration, je] ne l'ai pas dirigée",
    ),
    *("No [dirigí la migración]", "Yo nunca [dirigí la migración]", "[Esa migración yo] no la dirigí"),
    *("Non [ho guidato la migrazione]", "Não [liderei a migração]", "[A migração eu] não liderei"),
    *("Ik heb niet [de migratie geleid]", "[Dat project leidde ik] toen niet.", "Jag ledde inte [projektet alls]"),
    *("[Det projektet ledde jag] inte.", "[Det prosjektet ledet jeg] ikke.", "Nie [prowadziłem migracji]"),
    *("Я не [руководил командой]", "[этой командой я] не руководил", "Я ніколи не [керував командою]"),
    *("[Projeyi ben] yönetmedim.", "[Projenin lideri ben] değilim.", "[Projeyi ben] yönetmiyordum, başkasıydı."),
    *("[私は移行を担当し]ませんでした。", "[私は移行を担当し]なかった。", "[私は移行を担当した]わけではありません。"),
    *(
        "[私が担当した]ことはない。",
        "[移行は担当せ]ずに",
        "[그 팀을 이끌지] 않았습니다.",
        "[그 팀을 이끈 적이] 없습니다.",
    ),
    *(
        "[제가 이끈 것은] 아닙니다.",
        "저는 안 [이끌었습니다]",
        "我没有[领导这次迁移]",
        "我不[负责这次迁移]",
        "并非[我负责迁移]",
    ),
    *("ฉันไม่ได้[เป็นหัวหน้าทีม]", "ฉันไม่เคย[เป็นหัวหน้าทีม]", "Tôi không [lãnh đạo nhóm]", "Saya tidak [memimpin tim]"),
    *("[मैंने टीम का नेतृत्व] नहीं किया।", "मैंने नहीं [किया यह काम]", "أنا لم [أقد الفريق]", "לא [הובלתי את הצוות]"),
    *("Δεν [ηγήθηκα της ομάδας]", "Nem [vezettem a csapatot]"),
]

NOT_REVERSED = [
    *("[I led the migration]", "No, [I led the migration]", "I could not. [I led it later]"),
    *(
        "I never slept when the team and [I led it]",
        "[I led the migration], not the rollout",
        "[I led it] without help",
    ),
    *("I not only [led the migration]", "There is no doubt [I led it]", "[I led it] not only once"),
    *("We were № 1 [supplier in the region]", "[we were] No. 1 in the region", "We were No. [1 in the region]"),
    *("[I shipped it] immediately", "[I worked] on it", "[we led] it. Not alone.", "[I led it]. No outage."),
    *("Ich habe nicht nur [die Migration geleitet]", "[Ich leitete es] im Mai", "[Ich leitete es] ohne Hilfe"),
    *("[J'ai dirigé la migration] en mai", "[Lideré el equipo] en Postgres", "[Projeyi ben] yönettim."),
    *(
        "[私は移行を担当しました]。",
        "[私は移行を担当した]ので問題はなかった。",
        "[私は移行を担当した]だけでなく設計もした。",
    ),
    *("我不但[领导了迁移]", "不过[我领导了迁移]", "[그 팀을 이끌었습니다] 안정적으로", "[मैंने टीम का नेतृत्व किया]।"),
]


def is_reversed(marked: str) -> bool:
    """Whether the words in brackets are beside a negation."""
    before, _, rest = marked.partition("[")
    chosen, _, after = rest.partition("]")
    return is_beside_negation(f"{before}{chosen}{after}", len(before), len(before) + len(chosen))


@pytest.mark.parametrize("marked", REVERSED)
def test_words_beside_their_negation_are_reversed(marked):
    assert is_reversed(marked)


@pytest.mark.parametrize("marked", NOT_REVERSED)
def test_words_beside_something_else_are_not_reversed(marked):
    assert not is_reversed(marked)
