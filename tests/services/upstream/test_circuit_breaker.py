"""The circuit breaker, with a clock that tests move."""

import pytest

from services.errors import ProviderUnavailable
from services.upstream.circuit_breaker import FAILURE_THRESHOLD, OPEN_SECONDS, CircuitBreaker
from tests.support.clock import ManualTimer


@pytest.fixture
def timer() -> ManualTimer:
    return ManualTimer()


@pytest.fixture
def breaker(timer: ManualTimer) -> CircuitBreaker:
    return CircuitBreaker("Daily", timer)


@pytest.fixture
def open_breaker(breaker: CircuitBreaker) -> CircuitBreaker:
    fail(breaker, FAILURE_THRESHOLD)
    return breaker


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.failed()


def test_fewer_failures_than_the_threshold_leave_the_circuit_closed(breaker: CircuitBreaker) -> None:
    fail(breaker, FAILURE_THRESHOLD - 1)

    assert breaker.before_call() is False


def test_success_resets_the_count_of_failures(breaker: CircuitBreaker) -> None:
    fail(breaker, FAILURE_THRESHOLD - 1)
    breaker.succeeded()
    breaker.failed()

    assert breaker.before_call() is False


def test_open_circuit_refuses_calls_with_the_remaining_time(open_breaker: CircuitBreaker, timer: ManualTimer) -> None:
    timer.now = 1.5

    with pytest.raises(ProviderUnavailable) as refusal:
        open_breaker.before_call()

    assert refusal.value.retry_after == 4


def test_only_one_call_probes_after_the_open_time(open_breaker: CircuitBreaker, timer: ManualTimer) -> None:
    timer.now = OPEN_SECONDS

    is_probe = open_breaker.before_call()

    assert is_probe
    with pytest.raises(ProviderUnavailable):
        open_breaker.before_call()


def test_successful_probe_closes_the_circuit(open_breaker: CircuitBreaker, timer: ManualTimer) -> None:
    timer.now = OPEN_SECONDS
    open_breaker.before_call()

    open_breaker.succeeded()
    open_breaker.after_call(is_probe=True)

    assert open_breaker.before_call() is False


def test_failed_probe_opens_the_circuit_again(open_breaker: CircuitBreaker, timer: ManualTimer) -> None:
    timer.now = OPEN_SECONDS
    open_breaker.before_call()

    open_breaker.failed()
    open_breaker.after_call(is_probe=True)

    with pytest.raises(ProviderUnavailable):
        open_breaker.before_call()
    timer.now = 2 * OPEN_SECONDS
    assert open_breaker.before_call() is True


def test_another_call_probes_after_a_cancelled_probe(open_breaker: CircuitBreaker, timer: ManualTimer) -> None:
    timer.now = OPEN_SECONDS
    open_breaker.before_call()

    open_breaker.after_call(is_probe=True)

    assert open_breaker.before_call() is True
