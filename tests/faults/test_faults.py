"""Every fault of the table, over real sockets against the real service."""

from collections.abc import Mapping

import pytest

from tests.faults.endpoints import ENDPOINTS
from tests.faults.lanes import Observation
from tests.faults.misbehaviour import LEAK
from tests.faults.table import CASES, STAYS_UNREACHABLE, Case
from tests.support.keys import KEYS

SECRETS = [value for name, value in KEYS.items() if name.endswith("key")]
each_case = pytest.mark.parametrize("case", CASES, ids=str)


@each_case
def test_it_gets_its_answer_in_time(case: Case, observations: Mapping[Case, Observation]) -> None:
    seen = observations[case]

    assert (seen.status, seen.code) == (case.answer.status, case.answer.code), seen.text[:500]
    assert seen.seconds < case.seconds
    assert seen.calls <= case.calls
    assert not seen.left_behind


@pytest.mark.parametrize("case", [case for case in CASES if not ENDPOINTS[case.endpoint].is_stream], ids=str)
def test_it_says_when_to_try_again_where_waiting_helps(case: Case, observations: Mapping[Case, Observation]) -> None:
    retry_after = observations[case].headers.get("retry-after", "")

    assert retry_after.isdecimal() == case.answer.is_worth_waiting
    if "with Retry-After" in case.fault and case.answer.is_worth_waiting:
        assert retry_after == "7"


@each_case
def test_nothing_of_the_vendor_or_of_our_keys_is_told(case: Case, observations: Mapping[Case, Observation]) -> None:
    seen = observations[case]

    told = f"{seen.text} {seen.headers}"
    assert LEAK not in told
    assert not [secret for secret in SECRETS if secret in told + seen.log]
    assert all(" refused: status=" in line for line in seen.log.splitlines() if LEAK in line)
    assert "Traceback" not in seen.log


@pytest.mark.parametrize("case", [case for case in CASES if case.fault not in STAYS_UNREACHABLE], ids=str)
def test_the_next_good_call_works(case: Case, observations: Mapping[Case, Observation]) -> None:
    assert observations[case].next_status == ENDPOINTS[case.endpoint].fine
