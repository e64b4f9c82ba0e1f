"""In CI a skipped test is a failed one: CI has to install whatever the tests need."""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

from tests.support.vendor_specs import WITHOUT

OPTIONAL = {WITHOUT}
"""Reasons for which CI may skip a test as well."""

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


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
