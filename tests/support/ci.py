"""No test is left out unseen: two of one id are an error, and in CI a skipped one fails."""

import os
from collections import Counter
from collections.abc import Generator
from typing import TypeVar

import pytest

from tests.support.vendor_specs import WITHOUT

OPTIONAL = {WITHOUT}
"""Reasons for which CI may skip a test as well."""

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests of the same id: pytest-xdist would run only one of them."""
    counted = Counter(item.nodeid for item in items)
    if repeated := [node_id for node_id, count in counted.items() if count > 1]:
        raise pytest.UsageError(f"several tests have the id {repeated[0]}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that is skipped."""
    return _without_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that is skipped as a whole."""
    return _without_skip((yield))


def _without_skip(report: Report) -> Report:
    """The report, failed where `CI` is `true` and the test was skipped for a reason that is not optional."""
    if report.skipped and os.environ.get("CI") == "true" and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason not in OPTIONAL:
            report.outcome = "failed"
            report.longrepr = f"CI must not skip this test: {reason}"
    return report
