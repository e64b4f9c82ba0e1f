"""The JSON schema of a plan, made for one request: it allows only the focus areas and the sources that there are."""

from collections.abc import Sequence

from services.prompts.json_schema import JsonSchema, SchemaBuilder, closed_object

MOST_AREAS = 6
"""That may be proposed."""

_NAME, _TEXT, _SOURCE, _LISTEN_FOR, _LEVEL = 60, 300, 300, 300, 200
"""Characters."""


def plan_schema(focus_areas: int, sources: Sequence[str], most_questions: int, *, is_bounded: bool) -> JsonSchema:
    """The schema. With no focus areas the answer proposes some. `is_bounded` as in `SchemaBuilder`."""
    build = SchemaBuilder(is_bounded=is_bounded)
    most_areas = focus_areas or MOST_AREAS
    number = {"type": "integer", "enum": list(range(1, most_areas + 1))}
    question = closed_object(
        focus_area=number,
        text=build.string(_TEXT),
        kind={"type": "string", "enum": ["behaviour", "situation", "knowledge"]},
        because=_because(build, sources),
        listen_for=build.string(_LISTEN_FOR),
        minutes={"type": "integer"},
    )
    levels = closed_object(**{level: build.string(_LEVEL) for level in ("1", "3", "5")})
    proposed = closed_object(name=build.string(_NAME), because=_line(build, ["job"]))
    return closed_object(
        **({} if focus_areas else {"focus_areas": build.list(proposed, MOST_AREAS)}),
        questions=build.list(question, most_questions),
        scales=build.list(closed_object(focus_area=number, levels=levels), most_areas),
    )


def _because(build: SchemaBuilder, sources: Sequence[str]) -> JsonSchema:
    return {"anyOf": [_line(build, sources), {"type": "null"}]} if sources else {"type": "null"}


def _line(build: SchemaBuilder, sources: Sequence[str]) -> JsonSchema:
    return closed_object(source={"type": "string", "enum": list(sources)}, text=build.string(_SOURCE))
