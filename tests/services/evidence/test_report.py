"""The report as HTML and as Markdown: complete, escaped, and in plain words."""

import base64
import hashlib
import re

import pytest

from services.evidence.debrief import Debrief
from services.evidence.rendering import HTML_CSP, SCALE
from services.evidence.report import render_html, render_markdown
from services.prompts.debrief import DEBRIEF_SYSTEM
from tests.services.evidence import debriefs
from tests.services.evidence.report_pages import Page, rendered

RENDERERS = pytest.mark.parametrize("render", [render_html, render_markdown])


@RENDERERS
def test_every_claim_quote_warning_and_question_is_printed(render):
    debrief = debriefs.typical()

    report = Page(rendered(render(debrief)) if render is render_markdown else render(debrief)).text

    claims = [claim.claim for claim in (*debrief.evidence, *debrief.unsupported)]
    quotes = [quote.text for claim in debrief.evidence for quote in claim.quotes]
    rows = [text for row in debrief.scorecard for text in (row.competency, row.rationale)]
    for text in (*claims, *quotes, *rows, *debrief.warnings, *debrief.follow_up_questions, debrief.summary):
        assert text in report


@RENDERERS
def test_every_quote_has_its_place_and_match(render):
    report = Page(render(debriefs.typical())).text

    assert "turn 12 · 00:12:31 · candidate · exact" in report
    assert "turn 21 · 00:21:31 · candidate · normalized" in report
    assert "turn 44 · speaker unknown · exact" in report
    assert "interviewer’s notes · characters 212–273 · exact" in report


@RENDERERS
def test_normalized_and_unknown_are_explained_where_they_occur(render):
    with_both, with_neither = render(debriefs.typical()), render(debriefs.not_enough())

    assert "evening out" in with_both
    assert "does not say whose words" in with_both
    assert "evening out" not in with_neither
    assert "does not say whose words" not in with_neither


@RENDERERS
def test_quote_of_a_rating_without_a_claim_is_printed(render):
    only_rated = debriefs.quote("I profiled it before I changed a line.", 5)
    debrief = debriefs.debrief(scorecard=[debriefs.row("Problem solving", 4, "", only_rated)])

    report = render(debrief)

    assert report.count(only_rated.text) == 1
    assert "Behind the ratings" in report


def test_the_same_words_have_one_number_and_one_anchor():
    shared = debriefs.quote("We measured first and then decided.", 5)
    debrief = debriefs.debrief(
        evidence=[debriefs.claim("strength", "Measures", shared), debriefs.claim("strength", "Decides", shared)],
        scorecard=[debriefs.row("Problem solving", 4, "", shared)],
    )

    page = Page(render_html(debrief))

    anchors = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert page.text.count(shared.text) == 2
    assert [anchor for anchor in anchors if anchor.startswith("quote-")] == ["quote-1"]


@pytest.mark.parametrize("debrief", [debriefs.typical(), debriefs.not_enough(), debriefs.nothing_to_analyse()])
def test_every_link_leads_to_a_place_on_the_page_and_names_are_unique(debrief):
    page = Page(render_html(debrief))

    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    links = [attributes["href"] for _, attributes in page.elements if "href" in attributes]
    labels = [attributes["aria-labelledby"] for _, attributes in page.elements if "aria-labelledby" in attributes]
    assert len(names) == len(set(names))
    assert {f"#{name}" for name in names} >= set(links)
    assert set(names) >= set(labels)


@RENDERERS
def test_the_recommendation_is_before_the_scorecard_with_its_rule_and_what_it_depends_on(render):
    report = Page(
        rendered(render(debriefs.typical())) if render is render_markdown else render(debriefs.typical())
    ).text

    before = report[: report.index("Scorecard")]
    assert "Mean of at least 3.5 and no 1 · mean 3.75 of 5 · 4 of 5 competencies assessed" in before
    assert "15 quotes proposed, 12 found, 2 not in the transcript or the notes, 1 not the candidate's words" in before
    assert "If System design at scale had been assessed: between Leaning Hire and Hire." in before
    assert "One point in one rating would change it: Operations and observability 2 → 1 gives Leaning Hire." in before
    assert "A person decides" in before


@RENDERERS
def test_a_recommendation_that_rests_on_one_sentence_says_so(render):
    report = render(debriefs.inferred())

    assert "rests on one sentence (00:14:10): without it, no recommendation (N/A)" in report.replace("\\", "")
    assert report.count("carries 2 ratings") == 2


@RENDERERS
def test_emulated_data_and_an_inferred_candidate_are_boxes_above_the_recommendation(render):
    report = render(debriefs.inferred())

    before = (
        report[: report.index("Recommendation")]
        if render is render_markdown
        else report[: report.index('id="recommendation"')]
    )
    assert "Emulated data." in before
    assert "The candidate was inferred." in before
    assert "Speaker 2" in before
    assert not re.search("Emulated data|was inferred", render(debriefs.typical()))


@RENDERERS
def test_a_debrief_without_a_found_quote_says_so_above_the_recommendation(render):
    report = Page(render(debriefs.debrief())).text

    assert "No evidence." in report[: report.index("No recommendation" if render is render_html else "Recommendation")]


@RENDERERS
def test_the_report_names_the_interviewer_the_date_and_the_duration(render):
    report = Page(render(debriefs.typical())).text

    assert "interviewed by Jonas Weber · 23 November 2026 · 45 min" in report


@RENDERERS
def test_a_name_from_the_room_is_printed_where_there_is_no_briefing(render):
    report = render(debriefs.debrief(original_briefing=None, interview=debriefs.numbers(candidate="Dario Vento")))

    assert "Dario Vento" in report
    assert "not named" not in report


@RENDERERS
def test_the_question_before_a_quote_is_printed_once(render):
    asked = "How did you change the ledger?"
    said = [
        debriefs.quote(text, 5, question=asked, start=start, end=start + 9)
        for start, text in ((0, "I wrote it."), (20, "I ran it."))
    ]
    debrief = debriefs.debrief(evidence=[debriefs.claim("strength", "Did it", *said)])

    report = Page(render(debrief)).text

    assert report.count(asked) == 1
    assert report.index(asked) < report.index("I wrote it.")


def test_the_words_that_the_model_chose_are_emphasised():
    text = "I did not lead it, I only watched the migration."
    one = debriefs.quote(text, 5, cut=debriefs.cut(text, "lead it, "))
    two = debriefs.quote(text, 5, cut=debriefs.cut(text, "watched the migration"))
    debrief = debriefs.debrief(evidence=[debriefs.claim("strength", "Did it", one, two)])

    page, markdown = render_html(debrief), render_markdown(debrief)

    assert page.count("I did not <mark>lead it</mark>, I only <mark>watched the migration</mark>.") == 1
    assert "> I did not **lead it**, I only **watched the migration**." in markdown
    assert "<strong>watched the migration</strong>" in rendered(markdown)


@RENDERERS
@pytest.mark.parametrize("chosen", ["I led the migration.", "I led the migration", ""])
def test_a_quote_that_was_chosen_whole_or_not_at_all_has_no_emphasis(render, chosen):
    said = debriefs.quote("I led the migration.", 5, cut=debriefs.Cut(start=0, end=len(chosen)))
    debrief = debriefs.debrief(evidence=[debriefs.claim("strength", "Did it", said)])

    assert not re.search(r"<mark>|\*\*I led", render(debrief))


@RENDERERS
def test_marks_on_claims_are_printed(render):
    report = render(debriefs.typical()) + render(debriefs.inferred())

    assert "goes beyond its quotes" in report
    assert "a quote also counts as an improvement" in report
    assert "a quote also counts as a strength" in report


@RENDERERS
def test_the_conversation_is_printed_for_the_interviewer(render):
    report = Page(
        rendered(render(debriefs.typical())) if render is render_markdown else render(debriefs.typical())
    ).text

    assert "Jonas Weber: interviewer, 1210 words (the name the room was opened with)" in report
    assert "Words: candidate 80%, interviewer 20%." in report
    assert "Time: candidate 77%, interviewer 23%." in report
    assert "Questions asked: 19. Longest answer: 310 words in turn 12." in report
    assert "Turn 9: family" in report


@RENDERERS
def test_a_sentence_that_is_shown_in_part_says_so(render):
    said = debriefs.quote("and then we did it", 5, truncated=True)

    assert "a long sentence, shown in part" in render(
        debriefs.debrief(evidence=[debriefs.claim("strength", "x", said)])
    )


@RENDERERS
def test_what_was_not_assessed_is_not_shown_as_a_low_rating(render):
    report = render(debriefs.not_enough())

    assert "not assessed" in report
    assert "not a low rating" in report
    assert "None of 5" not in report
    assert Page(report).text.count("Role-related knowledge") == 2


def test_a_rating_is_drawn_as_filled_dots_out_of_five():
    page = Page(render_html(debriefs.not_enough()))

    dots = [attributes["class"] for tag, attributes in page.elements if tag == "circle"]
    dashes = [attributes for tag, attributes in page.elements if tag == "path"]
    assert dots == ["on", "off", "off", "off", "off"]
    assert len(dashes) == 3


@RENDERERS
def test_a_missing_recommendation_has_its_reason(render):
    report = Page(render(debriefs.not_enough())).text

    assert "N/A" in report
    assert "Fewer than half of the competencies were assessed" in report
    assert "Code computed this" not in report


@RENDERERS
def test_a_debrief_without_anything_to_analyse_says_so_and_claims_nothing(render):
    report = render(debriefs.nothing_to_analyse())

    assert "There was no transcript, no notes and no chat to analyse." in report
    assert "No model was asked" in report
    assert not re.search(r"Strengths|Improvements|Summary|Not supported|does not prove", report)


@RENDERERS
def test_placeholder_of_the_web_page_is_not_printed_as_a_name(render):
    unknown = debriefs.briefing(candidate_name="the candidate", role="See job description")

    report = render(debriefs.debrief(original_briefing=unknown))

    assert "andidate not named" in report
    assert "See job description" not in report


def test_the_scale_is_the_one_in_the_prompt():
    prompt = DEBRIEF_SYSTEM.replace(",", "").replace("\n", " ")

    assert " ".join(SCALE) in prompt


@RENDERERS
def test_how_it_was_made_is_printed_with_what_it_does_not_prove(render):
    report = Page(render(debriefs.typical())).text

    for fact in (
        "15 proposed, 12 found",
        "10 made, 8 supported, 1 beyond their quotes",
        "anthropic/claude-sonnet-4.5",
        "version 2026-11-23",
        "version 2 of room interview-4f9c2d",
        "2026-11-23T16:05:12Z",
        "does not prove that they support the claim",
    ):
        assert fact in report


@pytest.mark.parametrize("basis", ["notes", "chat"])
def test_the_basis_is_named(basis):
    debrief = debriefs.debrief(basis=basis)

    page, markdown = render_html(debrief), render_markdown(debrief)

    named = {"notes": "the interviewer’s notes", "chat": "it has no words of the candidate"}[basis]
    assert named in page
    assert named in markdown


def test_the_page_fetches_nothing_and_runs_nothing():
    page = Page(render_html(debriefs.everywhere("https://evil.example/")))

    loading = {"script", "link", "img", "iframe", "object", "embed", "form", "base", "audio", "video", "source"}
    assert not loading & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        assert not {"src", "srcset", "style", "action", "background"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")


@pytest.mark.parametrize("debrief", [debriefs.typical(), debriefs.everywhere("</style>")])
def test_the_policy_names_the_one_style_sheet_of_the_page(debrief: Debrief):
    [style] = re.findall(r"<style>(.*?)</style>", render_html(debrief), re.DOTALL)

    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in HTML_CSP
    assert not re.search(r"url\(|@import", style)
    assert "frame-ancestors 'none'" in HTML_CSP


def test_saved_page_contains_its_policy():
    page = Page(render_html(debriefs.typical()))

    [policy] = [attributes["content"] for _, attributes in page.elements if attributes.get("http-equiv")]
    assert policy == HTML_CSP.replace("; frame-ancestors 'none'", "")


def test_the_page_has_landmarks_a_language_and_one_first_heading():
    page = Page(render_html(debriefs.typical()))

    tags = [tag for tag, _ in page.elements]
    assert [tags.count(tag) for tag in ("header", "main", "footer", "h1")] == [1, 1, 1, 1]
    assert dict(page.elements)["html"] == {"lang": "en"}


@RENDERERS
def test_the_same_debrief_gives_the_same_report(render):
    assert render(debriefs.typical()) == render(debriefs.typical())
