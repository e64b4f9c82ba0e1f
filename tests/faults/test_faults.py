"""Every fault of the table, over real sockets against the real service."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest
from anyio.from_thread import start_blocking_portal

from tests.faults.endpoints import ENDPOINTS
from tests.faults.misbehaviour import LEAK
from tests.faults.runner import Observation, case_runner
from tests.faults.table import CASES, LONG_WAIT, Case
from tests.support.keys import KEYS

SECRETS = [value for name, value in KEYS.items() if name.endswith("key")]

Observations = Mapping[Case, Future[Observation]]


@pytest.fixture(scope="module")
def observations(request: pytest.FixtureRequest) -> Iterator[Observations]:
    """All selected cases, running at once: most of them only wait for a deadline."""
    parameters = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    cases = [values["case"] for values in parameters if isinstance(values.get("case"), Case)]
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(case_runner()) as run:
        running = {case: portal.start_task_soon(run, case) for case in cases}
        yield running
        for future in running.values():
            future.cancel()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_gets_its_response(case: Case, observations: Observations) -> None:
    seen = observations[case].result()

    assert (seen.status, seen.code) == (case.answer.status, case.answer.code), seen.text[:500]
    assert seen.calls <= case.calls
    assert_retry_after(case, seen)
    assert_nothing_is_disclosed(seen)
    assert case.stays_unreachable or seen.next_status == ENDPOINTS[case.endpoint].success


def assert_retry_after(case: Case, seen: Observation) -> None:
    """A stream has begun by then, and says nothing in its headers."""
    retry_after = "" if ENDPOINTS[case.endpoint].is_stream else seen.headers.get("retry-after", "")
    is_expected = case.answer.has_retry_after and not ENDPOINTS[case.endpoint].is_stream

    assert retry_after.isdecimal() == is_expected
    if is_expected and "with Retry-After" in case.fault:
        assert retry_after == LONG_WAIT


def assert_nothing_is_disclosed(seen: Observation) -> None:
    """Neither the vendor's text nor a key of ours is in the response or in the log."""
    written = f"{seen.text} {seen.headers} {seen.log}"
    assert LEAK not in written
    assert not [secret for secret in SECRETS if secret in written]
    assert "Traceback" not in seen.log
