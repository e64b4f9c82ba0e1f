"""When a failing vendor is left alone, and how it is tried again."""

import pytest

from services.errors import ProviderUnavailable
from services.upstream.circuit_breaker import FAILURES_IN_A_ROW, REST_SECONDS, CircuitBreaker


class Watch:
    """A time that tests move by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def resting(watch: Watch) -> CircuitBreaker:
    breaker = CircuitBreaker("Daily", watch)
    for _ in range(FAILURES_IN_A_ROW):
        breaker.failed()
    return breaker


def test_a_few_failures_change_nothing(watch: Watch) -> None:
    breaker = CircuitBreaker("Daily", watch)
    for _ in range(FAILURES_IN_A_ROW - 1):
        breaker.failed()

    assert breaker.before_call() is False


def test_a_success_in_between_begins_the_count_anew(watch: Watch) -> None:
    breaker = CircuitBreaker("Daily", watch)
    for _ in range(FAILURES_IN_A_ROW - 1):
        breaker.failed()
    breaker.succeeded()
    breaker.failed()

    assert breaker.before_call() is False


def test_while_it_rests_calls_are_refused_with_the_time_that_is_left(resting: CircuitBreaker, watch: Watch) -> None:
    watch.now = 1.5

    with pytest.raises(ProviderUnavailable) as refusal:
        resting.before_call()

    assert refusal.value.retry_after == 4


def test_after_the_rest_one_call_probes_and_the_others_wait(resting: CircuitBreaker, watch: Watch) -> None:
    watch.now = REST_SECONDS

    is_probe = resting.before_call()

    assert is_probe
    with pytest.raises(ProviderUnavailable):
        resting.before_call()


def test_a_probe_that_succeeds_lets_everybody_in(resting: CircuitBreaker, watch: Watch) -> None:
    watch.now = REST_SECONDS
    resting.before_call()

    resting.succeeded()
    resting.after_call(is_probe=True)

    assert resting.before_call() is False


def test_a_probe_that_fails_begins_another_rest(resting: CircuitBreaker, watch: Watch) -> None:
    watch.now = REST_SECONDS
    resting.before_call()

    resting.failed()
    resting.after_call(is_probe=True)

    with pytest.raises(ProviderUnavailable):
        resting.before_call()
    watch.now = 2 * REST_SECONDS
    assert resting.before_call() is True


def test_a_probe_whose_caller_left_makes_way_for_the_next(resting: CircuitBreaker, watch: Watch) -> None:
    watch.now = REST_SECONDS
    resting.before_call()

    resting.after_call(is_probe=True)

    assert resting.before_call() is True
