"""When a failing vendor is left alone, and how it is tried again."""

import pytest

from services.breaker import FAILURES_IN_A_ROW, REST_SECONDS, Breaker
from services.errors import ProviderUnavailable


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
def resting(watch: Watch) -> Breaker:
    breaker = Breaker("Daily", watch)
    for _ in range(FAILURES_IN_A_ROW):
        breaker.failed()
    return breaker


def test_a_few_failures_change_nothing(watch: Watch) -> None:
    breaker = Breaker("Daily", watch)
    for _ in range(FAILURES_IN_A_ROW - 1):
        breaker.failed()

    assert breaker.admit() is False


def test_a_success_in_between_begins_the_count_anew(watch: Watch) -> None:
    breaker = Breaker("Daily", watch)
    for _ in range(FAILURES_IN_A_ROW - 1):
        breaker.failed()
    breaker.succeeded()
    breaker.failed()

    assert breaker.admit() is False


def test_while_it_rests_calls_are_refused_with_the_time_that_is_left(resting: Breaker, watch: Watch) -> None:
    watch.now = 1.5

    with pytest.raises(ProviderUnavailable) as refusal:
        resting.admit()

    assert refusal.value.retry_after == 4


def test_after_the_rest_one_call_probes_and_the_others_wait(resting: Breaker, watch: Watch) -> None:
    watch.now = REST_SECONDS

    is_probe = resting.admit()

    assert is_probe
    with pytest.raises(ProviderUnavailable):
        resting.admit()


def test_a_probe_that_succeeds_lets_everybody_in(resting: Breaker, watch: Watch) -> None:
    watch.now = REST_SECONDS
    resting.admit()

    resting.succeeded()
    resting.leave(is_probe=True)

    assert resting.admit() is False


def test_a_probe_that_fails_begins_another_rest(resting: Breaker, watch: Watch) -> None:
    watch.now = REST_SECONDS
    resting.admit()

    resting.failed()
    resting.leave(is_probe=True)

    with pytest.raises(ProviderUnavailable):
        resting.admit()
    watch.now = 2 * REST_SECONDS
    assert resting.admit() is True


def test_a_probe_whose_caller_left_makes_way_for_the_next(resting: Breaker, watch: Watch) -> None:
    watch.now = REST_SECONDS
    resting.admit()

    resting.leave(is_probe=True)

    assert resting.admit() is True
