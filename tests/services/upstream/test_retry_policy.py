"""Retry policies: which statuses are retried, and how long the wait is."""

import pytest

from services.upstream.retry_policy import RETRY_POLICIES, RetryPolicy, backoff

EACH = RetryPolicy(rate_limited=1, overloaded=2, timed_out=3, failed=4, not_sent=5, disconnected=6)


@pytest.mark.parametrize(
    ("statuses", "retries"),
    [
        ((429,), 1),
        ((503, 529), 2),
        ((408, 504, 524), 3),
        ((500, 501, 502, 520, 599), 4),
        ((200, 301, 302, 400, 401, 402, 403, 404, 409, 413, 418, 422), 0),
    ],
)
def test_status_decides_how_often_a_response_is_retried(statuses: tuple[int, ...], retries: int) -> None:
    assert {EACH.retries_after(status) for status in statuses} == {retries}


@pytest.mark.parametrize("vendor", RETRY_POLICIES)
def test_no_vendor_is_asked_more_than_three_times(vendor: str) -> None:
    assert max(RETRY_POLICIES[vendor]) <= 2


@pytest.mark.parametrize(("retries", "shortest", "longest"), [(0, 0.125, 0.375), (1, 0.25, 0.75), (2, 0.5, 1.5)])
def test_wait_doubles_with_each_retry(retries: int, shortest: float, longest: float) -> None:
    assert all(shortest <= backoff(retries, None) <= longest for _ in range(100))


def test_wait_is_the_vendors_retry_after() -> None:
    assert (backoff(0, 7), backoff(2, 0)) == (7.0, 0.0)
