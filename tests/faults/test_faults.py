"""Every fault of the table, over real sockets against the real service."""

from collections.abc import Callable, Iterator

import pytest
from anyio.from_thread import start_blocking_portal

from tests.faults.endpoints import ENDPOINTS
from tests.faults.misbehaviour import LEAK
from tests.faults.runner import Observation, running
from tests.faults.table import CASES, LONG_WAIT, Case
from tests.support.keys import KEYS

SECRETS = [value for name, value in KEYS.items() if name.endswith("key")]

Observe = Callable[[Case], Observation]


@pytest.fixture(scope="module")
def observe(request: pytest.FixtureRequest) -> Iterator[Observe]:
    """Returns the outcome of a case. All selected cases run at the same time, since most of them wait."""
    parameters = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    cases = [values["case"] for values in parameters if isinstance(values.get("case"), Case)]
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(running(cases)) as observe_async:
        yield lambda case: portal.call(observe_async, case)


@pytest.mark.parametrize("case", sorted(CASES, key=lambda case: case.waits_for_deadline), ids=str)
def test_a_fault_gets_its_response(case: Case, observe: Observe) -> None:
    seen = observe(case)

    assert (seen.status, seen.code) == (case.answer.status, case.answer.code), f"{seen.text[:500]}\n{seen.log}"
    assert seen.calls <= case.calls
    assert_retry_after(case, seen)
    assert_nothing_is_disclosed(seen)
    assert case.stays_unreachable or seen.next_status == ENDPOINTS[case.endpoint].success


def assert_retry_after(case: Case, seen: Observation) -> None:
    """`Retry-After` is a number exactly where it is expected. A stream sends its headers before it fails."""
    retry_after = "" if ENDPOINTS[case.endpoint].is_stream else seen.headers.get("retry-after", "")
    is_expected = case.answer.has_retry_after and not ENDPOINTS[case.endpoint].is_stream

    assert retry_after.isdecimal() == is_expected
    if is_expected and "with Retry-After" in case.fault:
        assert retry_after == LONG_WAIT


def assert_nothing_is_disclosed(seen: Observation) -> None:
    """The response has neither the vendor's text nor a key of ours. The log has that text only as a reason."""
    response = f"{seen.text} {seen.headers}"
    assert LEAK not in response
    assert not [secret for secret in SECRETS if secret in response + seen.log]
    assert all(" refused: status=" in line for line in seen.log.splitlines() if LEAK in line)
    assert "Traceback" not in seen.log
