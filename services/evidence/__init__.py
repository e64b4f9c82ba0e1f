"""Evidence: quotes are found, claims and ratings checked, the recommendation computed, the report rendered. Pure.

In the order of a debrief:

- `model_answer` reads what the model answered, with `json_answer`.
- `quotes` finds a proposed quote or refuses it with a reason. It uses `proposals` (what the model wrote), `passages`
  (what may be quoted), `search_text` (the form in which texts are compared), `matching` (whole words, in order),
  `negations` (words that a negation beside them reverses), `sentences` (what is shown) and `questions`.
- `grounding` checks the whole answer. It uses `prose` and `beyond_quotes` for the model's own words.
- `scoring` computes the recommendation, `sensitivity` what it depends on, `conversation` the numbers of the interview.
- `debrief` is the result; `report` renders it as HTML and Markdown, with `report_view` and `firmness`.
- `review` is what people say: ratings and a decision. `agreement` sets their ratings beside the model's. `sealing`
  hides the model's from people who have not rated.

Of a question plan:

- `model_plan` reads what the model answered. `plan` checks it, with `plan_sources` (the lines of the briefing that
  questions come from) and `personal_topics` (what must not be asked); `plan_edit` checks the interviewer's plan.
- `plan_report` renders it. `rendering` is shared by both reports.
"""
