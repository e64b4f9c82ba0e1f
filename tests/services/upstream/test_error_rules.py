"""Error tables: the first rule whose conditions are all met decides."""

import json

import httpx
import pytest

from services.errors import ProviderBadAnswer, ProviderUnavailable
from services.upstream.error_rules import ErrorRule, map_by_rules
from services.upstream.responses import VendorResponse

RULES = (
    ErrorRule(ProviderUnavailable, "credit", statuses=(429,), codes=("quota",), is_permanent=True),
    ErrorRule(ProviderBadAnswer, "voice", statuses=(400,), parameter="session.audio"),
    ErrorRule(ProviderUnavailable, "daily limit", statuses=(400,), phrases=("Daily Limit",), retry_after=60),
    ErrorRule(ProviderBadAnswer, "any 400", statuses=(400,)),
)


def response(status: int, **error: object) -> VendorResponse:
    return VendorResponse(status, httpx.Headers(), json.dumps({"error": error}).encode())


@pytest.mark.parametrize(
    ("refused", "detail"),
    [
        (response(429, code="quota"), "credit"),
        (response(429, type="quota"), "credit"),
        (response(400, param="session.audio.output.voice"), "voice"),
        (response(400, message="the daily limit is reached"), "daily limit"),
        (response(400, param="session.model", message="daily"), "any 400"),
        (VendorResponse(400, httpx.Headers(), b"<html>"), "any 400"),
    ],
)
def test_first_matching_rule_gives_the_error(refused: VendorResponse, detail: str) -> None:
    assert map_by_rules(RULES, "Vendor", refused, "KEY").error.detail == detail


def test_rule_gives_retry_after_and_whether_the_error_is_permanent() -> None:
    limited = map_by_rules(RULES, "Vendor", response(400, message="daily limit"), "KEY")
    out_of_credit = map_by_rules(RULES, "Vendor", response(429, code="quota"), "KEY")

    assert (limited.error.retry_after, limited.is_permanent) == (60, False)
    assert (out_of_credit.error.retry_after, out_of_credit.is_permanent) == (None, True)


def test_status_decides_where_no_rule_matches() -> None:
    assert map_by_rules(RULES, "Vendor", response(401), "KEY").error.detail.endswith("check KEY.")
