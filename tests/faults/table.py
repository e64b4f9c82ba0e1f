"""The fault table: each fault of a vendor at each of its endpoints, and the required response.

A row has a fault, the vendor's behaviour, the client's status and code, and
how often the vendor may be called where the call is safe to repeat. For a
stream that has begun, the status is the one in its terminal event. Each row of
a vendor is tried with every endpoint that uses this vendor. Two things depend
on the endpoint: a phone call is never placed twice, and deleting a room
succeeds here even when Daily does not answer.
"""

from typing import NamedTuple

from tests.faults import misbehaviour as wrong
from tests.faults.misbehaviour import NEVER_ENDS, says_sample, streams_sample
from tests.faults.wire import Behaviour


class Answer(NamedTuple):
    """The response to the client."""

    status: int
    code: str | None = None
    has_retry_after: bool = False
    """Whether the response has `Retry-After`, unless it is a stream."""


LONG_WAIT = "900"
"""Seconds that a vendor asks to wait for: longer than the service waits for any call in these tests."""
DOWN = Answer(503, "provider_unavailable")
BUSY = Answer(503, "provider_unavailable", has_retry_after=True)
BAD = Answer(502, "provider_bad_answer")
REFUSED = Answer(502, "provider_refused")
SLOW = Answer(504, "provider_timeout")
TOO_LARGE = Answer(413, "payload_too_large")
UNKNOWN = Answer(404, "room_not_found")
NO_TRANSCRIPT = Answer(404, "transcript_not_found")
NO_SUCH_CALL = Answer(404, "call_not_found")
INVALID = Answer(422, "invalid_input")
LEFT_AT_DAILY = Answer(200, "left_at_daily")
"""Our own records are erased, and the receipt says that the video room or its transcripts may still exist."""
FINE = Answer(200)


class Row(NamedTuple):
    """One fault of one vendor."""

    fault: str
    behaviour: Behaviour | None
    """None where the vendor can't be reached at all."""
    answer: Answer
    calls: int = 1
    """How often the vendor may be called at most."""


class Case(NamedTuple):
    """One fault at one endpoint."""

    vendor: str
    endpoint: str
    fault: str
    behaviour: Behaviour | None
    answer: Answer
    calls: int

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.fault}"

    @property
    def waits_for_deadline(self) -> bool:
        """Whether only a deadline of ours ends the call."""
        return self.behaviour in NEVER_ENDS

    @property
    def stays_unreachable(self) -> bool:
        return self.fault in STAYS_UNREACHABLE

    @property
    def is_without_daily(self) -> bool:
        """No room can be opened first."""
        return self.stays_unreachable and self.vendor == "daily"


ENDPOINTS = {
    "daily": (
        "create room",
        "create room's token",
        "get room",
        "join room",
        "delete room",
        "delete transcripts",
        "list transcripts",
        "link transcript",
        "download transcript",
        "adopt for a briefing",
    ),
    "openrouter": ("chat", "chat stream", "debrief", "debrief stream"),
    "openai": ("realtime token", "realtime session"),
    "vapi": ("place phone call", "get phone call"),
}
NEVER_TWICE = frozenset({"place phone call"})
IS_STREAMED = frozenset({"chat stream"})
"""The vendor's response is a stream too."""

UNREACHABLE = (
    Row("refused", None, BUSY, 0),
    Row("unknown host", None, BUSY, 0),
    Row("self-signed certificate", None, BUSY, 0),
)
STAYS_UNREACHABLE = frozenset({"unknown host", "self-signed certificate"})
"""These can not be repaired."""
ON_THE_WIRE = (
    Row("hangs before headers", wrong.hangs_before_headers, SLOW),
    Row("hangs in headers", wrong.hangs_in_headers, SLOW),
    Row("cut before headers", wrong.cut_before_headers, BAD, 3),
    Row("cut in headers", wrong.cut_in_headers, BAD, 3),
    Row("not HTTP", wrong.not_http, BAD, 3),
    Row("giant header", wrong.giant_header, BAD, 3),
    Row("gzip bomb", wrong.COMMON["gzip bomb"], BAD),
    Row("redirect", wrong.redirects, BAD),
    Row("unknown status", wrong.COMMON["unknown status"], BAD),
    Row("HTML as 502", wrong.COMMON["HTML as 502"], BAD, 2),
    Row("compressed error", wrong.COMMON["compressed error"], BAD, 2),
    Row("error that hangs in its body", wrong.error_hangs_in_body, BAD, 2),
    Row("error that is cut", wrong.error_is_cut, BAD, 2),
)
IN_JSON = (
    Row("hangs in body", wrong.hangs_in_body, SLOW),
    Row("drips", wrong.drips, SLOW),
    Row("cut in body", wrong.cut_in_body, BAD),
    Row("reset in body", wrong.reset_in_body, BAD),
    Row("giant answer", wrong.giant_answer, BAD),
    Row("HTML as 200", wrong.COMMON["HTML as 200"], BAD),
    Row("null", wrong.COMMON["null"], BAD),
    Row("empty 200", wrong.COMMON["empty 200"], BAD),
    Row("another shape", wrong.COMMON["another shape"], BAD),
    Row("a list", wrong.COMMON["a list"], BAD),
    Row("deeply nested", wrong.COMMON["deeply nested"], BAD),
    Row("wrong types", wrong.wrong_types, BAD),
)

DAILY = (
    Row("400 authorization header", says_sample("daily/error_400_authorization_header.json"), DOWN),
    Row("400 bad value", says_sample("daily/error_400_bad_value.json"), BAD),
    Row("400 not JSON", says_sample("daily/error_400_not_json.json"), BAD),
    Row("400 without info", says_sample("daily/error_400_without_info.json"), BAD),
    Row("401", says_sample("daily/error_401_unknown_key.json"), DOWN),
    Row("403", says_sample("daily/error_403_forbidden.json"), DOWN),
    Row("403 plan", says_sample("daily/error_403_plan.json"), DOWN),
    Row("404", says_sample("daily/error_404_unknown_room.json"), UNKNOWN),
    Row("404 deleted", says_sample("daily/error_404_expired_room_deleted.json"), UNKNOWN),
    Row("429", says_sample("daily/error_429_rate_limit.json"), BUSY, 3),
    Row("429 with Retry-After", says_sample("daily/error_429_rate_limit.json", retry_after=LONG_WAIT), BUSY),
    Row("500", says_sample("daily/error_500_server.json"), BAD, 2),
    Row("503", says_sample("daily/error_500_server.json", 503), BUSY, 3),
    Row("503 with Retry-After", says_sample("daily/error_500_server.json", 503, retry_after=LONG_WAIT), BUSY),
    Row("504", says_sample("daily/error_500_server.json", 504), SLOW, 2),
)

OPENROUTER = (
    Row("400 context too long", says_sample("openrouter/error_400_context_too_long.json"), TOO_LARGE),
    Row("400", says_sample("openrouter/error_400_invalid_request.json"), BAD),
    Row("400 unknown model", says_sample("openrouter/error_400_unknown_model.json"), DOWN),
    Row("401", says_sample("openrouter/error_401_unknown_key.json"), DOWN),
    Row("402 out of credit", says_sample("openrouter/error_402_no_credit.json"), DOWN),
    Row("403 guardrail", says_sample("openrouter/error_403_guardrail.json"), REFUSED),
    Row("403 moderation", says_sample("openrouter/error_403_moderation.json"), REFUSED),
    Row("404 no endpoints", says_sample("openrouter/error_404_no_endpoints.json"), DOWN),
    Row("408", says_sample("openrouter/error_408_timed_out.json"), SLOW, 2),
    Row("413", says_sample("openrouter/error_413_too_large.json"), TOO_LARGE),
    Row("422", says_sample("openrouter/error_422_invalid_argument.json"), BAD),
    Row("429", says_sample("openrouter/error_429_rate_limit.json"), BUSY, 3),
    Row("429 availability", says_sample("openrouter/error_429_upstream_availability.json"), BUSY, 3),
    Row("429 with Retry-After", says_sample("openrouter/error_429_rate_limit.json", retry_after=LONG_WAIT), BUSY),
    Row("500", says_sample("openrouter/error_500_internal.json"), BAD, 2),
    Row("502", says_sample("openrouter/error_502_provider.json"), BAD, 2),
    Row("503", says_sample("openrouter/error_503_no_provider.json"), BUSY, 3),
    Row("504", says_sample("openrouter/error_504_upstream_deadline.json"), SLOW, 2),
    Row("524", says_sample("openrouter/error_524_edge_timeout.json"), SLOW, 2),
    Row("529", says_sample("openrouter/error_529_overloaded.json"), BUSY, 3),
)
IN_COMPLETION = (
    Row("error inside 200", says_sample("openrouter/error_inside_200.json"), BAD),
    Row("error in the choice of a 200", says_sample("openrouter/error_in_choice_of_200.json"), BAD),
    Row("empty content", says_sample("openrouter/content_empty.json"), BAD),
    Row("null content", says_sample("openrouter/content_null.json"), BAD),
    Row("no choices", says_sample("openrouter/no_choices.json"), BAD),
    Row("refusal", says_sample("openrouter/refusal.json"), REFUSED),
    Row("content filter", says_sample("openrouter/content_filter.json"), REFUSED),
    Row("truncated without content", says_sample("openrouter/length_without_content.json"), BAD, 2),
)
IN_CHAT = (
    Row("truncated", says_sample("openrouter/length.json"), FINE),
    Row("content in parts", says_sample("openrouter/completion_content_in_parts.json"), FINE),
    Row("usage of nulls", says_sample("openrouter/completion_usage_with_nulls.json"), FINE),
    Row("no usage", says_sample("openrouter/completion_without_usage.json"), FINE),
    Row("another model", says_sample("openrouter/completion_by_fallback_model.json"), FINE),
)
IN_DEBRIEF = (
    Row("truncated", says_sample("openrouter/length.json"), BAD, 2),
    Row("truncated in the middle", says_sample("openrouter/debrief_truncated.json"), BAD, 2),
    Row("prose instead of JSON", says_sample("openrouter/completion.json"), BAD, 2),
    Row("fenced JSON", says_sample("openrouter/debrief_in_code_fence.json"), FINE),
)
IN_STREAM = (
    Row("JSON error inside 200", says_sample("openrouter/error_inside_200.json"), BAD),
    Row("hangs before the first word", wrong.hangs_before_the_first_word, SLOW),
    Row("comments only, then nothing", streams_sample("openrouter/stream_comments_only.txt"), BAD),
    Row("endless comments", wrong.endless_comments, SLOW),
    Row("drips", wrong.drips_in_stream, SLOW),
    Row("HTML as 200", wrong.COMMON["HTML as 200"], BAD),
    Row("null", wrong.COMMON["null"], BAD),
    Row("empty 200", wrong.COMMON["empty 200"], BAD),
    Row("another shape", wrong.stream_of(b'{"unexpected": "TEXT-OF-THE-VENDOR"}'), BAD),
    Row("a list", wrong.stream_of(b'["TEXT-OF-THE-VENDOR"]'), BAD),
    Row("wrong types", wrong.stream_of(b'{"choices": "TEXT-OF-THE-VENDOR"}'), BAD),
    Row("giant line", wrong.giant_line_in_stream, BAD),
    Row("empty content", streams_sample("openrouter/stream_empty.txt"), BAD),
    Row("refusal", streams_sample("openrouter/stream_refusal.txt"), REFUSED),
    Row("content filter", streams_sample("openrouter/stream_content_filter.txt"), REFUSED),
    Row("truncated", streams_sample("openrouter/stream_length.txt"), FINE),
    Row("error midway", streams_sample("openrouter/stream_error_midway.txt"), BAD),
    Row("error midway without choices", streams_sample("openrouter/stream_error_midway_without_choices.txt"), BAD),
    Row("silence midway", wrong.silent_after_some_words, SLOW),
    Row("comments midway", wrong.comments_after_some_words, SLOW),
    Row("ended midway", streams_sample("openrouter/stream_cut.txt"), BAD),
    Row("cut midway", streams_sample("openrouter/stream_cut.txt", is_cut=True), BAD),
    Row("cut inside an event", streams_sample("openrouter/stream_cut_inside_an_event.txt", is_cut=True), BAD),
    Row("reset midway", wrong.reset_after_some_words, BAD),
    Row("finish reason twice", streams_sample("openrouter/stream_finish_reason_twice.txt"), FINE),
    Row("no [DONE]", streams_sample("openrouter/stream_without_done.txt"), FINE),
    Row("no [DONE], silence", wrong.silent_after_the_last_word, FINE),
    Row("no [DONE], cut", wrong.cut_after_the_last_word, FINE),
    Row("unknown fields", streams_sample("openrouter/stream_with_other_fields.txt"), FINE),
)

OPENAI = (
    Row("400 invalid type", says_sample("openai/error_400_invalid_type.json"), BAD),
    Row("400 unknown parameter", says_sample("openai/error_400_unknown_parameter.json"), BAD),
    Row("400 unsupported voice", says_sample("openai/error_400_unsupported_voice.json"), BAD),
    Row("401", says_sample("openai/error_401_invalid_key.json"), DOWN),
    Row("403 country", says_sample("openai/error_403_country.json"), DOWN),
    Row("403 model", says_sample("openai/error_403_model.json"), DOWN),
    Row("404", says_sample("openai/error_403_model.json", 404), BAD),
    Row("429 credit", says_sample("openai/error_429_credit_balance_exhausted.json"), DOWN),
    Row("429 quota", says_sample("openai/error_429_insufficient_quota.json"), DOWN),
    Row("429", says_sample("openai/error_429_rate_limit.json"), BUSY, 3),
    Row("429 slow down", says_sample("openai/error_429_slow_down.json"), BUSY, 3),
    Row("429 with Retry-After", says_sample("openai/error_429_rate_limit.json", retry_after=LONG_WAIT), BUSY),
    Row("500", says_sample("openai/error_500_server.json"), BAD, 2),
    Row("503", says_sample("openai/error_503_overloaded.json"), BUSY, 3),
    Row("504", says_sample("openai/error_500_server.json", 504), SLOW, 2),
    Row("a secret in the shape of the beta", says_sample("openai/client_secret_in_beta_shape.json"), BAD),
)

VAPI = (
    Row("400 not a number", says_sample("vapi/error_400_not_e164.json"), INVALID),
    Row("400 no number to call from", says_sample("vapi/error_400_no_number_to_call_from.json"), BAD),
    Row("400 unknown property", says_sample("vapi/error_400_unknown_property.json"), BAD),
    Row("401", says_sample("vapi/error_401_invalid_key.json"), DOWN),
    Row("403", says_sample("vapi/error_403_assistant_not_allowed.json"), DOWN),
    Row("403 in front of Vapi", says_sample("vapi/error_403_without_user_agent.txt"), DOWN),
    Row("404", says_sample("vapi/error_404_unknown_call.json"), BAD),
    Row("429", says_sample("vapi/error_429_rate_limit.json"), BUSY, 3),
    Row("429 with Retry-After", says_sample("vapi/error_429_rate_limit.json", retry_after=LONG_WAIT), BUSY),
    Row("500", says_sample("vapi/error_500_server.json"), BAD, 2),
    Row("503", says_sample("vapi/error_500_server.json", 503), BAD, 3),
    Row("504", says_sample("vapi/error_500_server.json", 504), SLOW, 2),
)

OF_VENDOR = {"daily": DAILY, "openrouter": OPENROUTER, "openai": OPENAI, "vapi": VAPI}

ANSWERS_TO_UNKNOWN = {
    "create room": BAD,
    "create room's token": BAD,
    "delete room": FINE,
    "delete transcripts": LEFT_AT_DAILY,
    "list transcripts": BAD,
    "link transcript": NO_TRANSCRIPT,
    "download transcript": BAD,
}
"""Where Daily's 404 does not mean that the room is unknown."""
HARMLESS_IN_DELETING = frozenset(
    {"HTML as 200", "null", "empty 200", "another shape", "a list", "deeply nested", "wrong types"}
)
"""The body of a response to DELETE is not read."""


def _rows(vendor: str, endpoint: str) -> tuple[Row, ...]:
    rows = UNREACHABLE + ON_THE_WIRE + OF_VENDOR[vendor]
    if endpoint in IS_STREAMED:
        return rows + IN_STREAM
    if vendor == "openrouter":
        rows += IN_COMPLETION + (IN_CHAT if endpoint == "chat" else IN_DEBRIEF)
    return rows + IN_JSON


def _answer(endpoint: str, row: Row) -> Answer:
    """The row's answer, but for what depends on the endpoint.

    Deleting a room erases our records whatever Daily answers, and Daily not knowing the room is as good as deleting
    it. A room that is being created can't be unknown, nor can the list of transcripts. Vapi may have deleted a call
    that was placed. The link to a transcript's file leads to a server that knows nothing of Daily's keys.
    """
    if row.answer == UNKNOWN and endpoint in ANSWERS_TO_UNKNOWN:
        return ANSWERS_TO_UNKNOWN[endpoint]
    if endpoint == "get phone call" and row.fault == "404":
        return NO_SUCH_CALL
    if endpoint == "download transcript" and row.fault.startswith(("400", "401", "403")):
        return BAD
    if endpoint == "delete room" and row.fault in HARMLESS_IN_DELETING:
        return FINE
    return LEFT_AT_DAILY if endpoint in {"delete room", "delete transcripts"} else row.answer


def _case(vendor: str, endpoint: str, row: Row) -> Case:
    calls = min(row.calls, 1) if endpoint in NEVER_TWICE else row.calls
    return Case(vendor, endpoint, row.fault, row.behaviour, _answer(endpoint, row), calls)


CASES = tuple(
    _case(vendor, endpoint, row)
    for vendor, endpoints in ENDPOINTS.items()
    for endpoint in endpoints
    for row in _rows(vendor, endpoint)
)
