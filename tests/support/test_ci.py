"""CI fails where a test is skipped."""

import pytest

from tests.support.vendor_specs import WITHOUT

pytest_plugins = ["pytester"]

SKIPS = """
import pytest

@pytest.mark.skipif(True, reason="no browser")
def test_marked():
    pass

@pytest.fixture
def server():
    pytest.skip("no server")

def test_with_a_server(server):
    pass

def test_with_vendor_documents():
    pytest.skip({without!r})
"""


SKIPPED_MODULE = "import pytest; pytest.importorskip('no_such_module')"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Runs a test module; `ci` is the value of the environment variable."""
    pytester.makeconftest("from tests.support.ci import pytest_make_collect_report, pytest_runtest_makereport")

    def run_with(module: str, ci: str) -> pytest.RunResult:
        pytester.makepyfile(module)
        monkeypatch.setenv("CI", ci)
        return pytester.runpytest_inprocess()

    return run_with


def test_skipped_tests_fail_in_ci_unless_they_are_optional(run):
    result = run(SKIPS.format(without=WITHOUT), "true")

    result.assert_outcomes(errors=2, skipped=1)
    result.stdout.fnmatch_lines(["*CI must not skip this test: no browser*"])


def test_skipped_module_fails_in_ci(run):
    run(SKIPPED_MODULE, "true").assert_outcomes(errors=1)


def test_skipped_tests_are_reported_as_skipped_elsewhere(run):
    run(SKIPS.format(without=WITHOUT), "").assert_outcomes(skipped=3)
