"""The demo against a real server in the sandbox: it succeeds, or says plainly why it can not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.api_server import ROOT, api_server, own_environment
from tests.support.ports import free_port
from tests.support.waiting import LIMIT_SECONDS


def run_demo(url: str, directory: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/demo.py"), "--base-url", url]
    env = own_environment(TMPDIR=str(directory), **settings)
    return subprocess.run(
        command, cwd=directory, env=env, capture_output=True, encoding="utf-8", timeout=LIMIT_SECONDS, check=False
    )


@pytest.fixture(scope="module", params=["off", "on"], ids="HUMAN_FIRST={}".format)
def finished(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    directory = tmp_path_factory.mktemp("demo")
    with api_server(directory, SANDBOX="true", HUMAN_FIRST=request.param) as url:
        return run_demo(url, directory), directory


def test_demo_runs_the_whole_interview(finished):
    result, _ = finished

    assert result.stderr == ""
    assert result.returncode == 0
    assert "That was the whole interview." in result.stdout


def test_demo_prints_the_recommendation_with_its_scorecard(finished):
    result, _ = finished

    assert "Recommendation  Leaning Hire" in result.stdout
    assert "Kubernetes            ●○○○○  1" in result.stdout
    assert "Mentoring             not assessed" in result.stdout


def test_demo_plans_rates_compares_and_decides_in_this_order(finished):
    result, _ = finished

    titles = ["Plan the interview", "Rate before the debrief", "Debrief the interview", "Compare people", "Decide"]
    places = [result.stdout.index(f"\n{title}") for title in titles]
    assert places == sorted(places)
    text = " ".join(result.stdout.split())
    assert "Because the resume says: “" in text
    assert "found neither in the resume nor in the job description" in text
    assert "Kubernetes            people 2, model 1  to discuss" in result.stdout
    assert "Mentoring             people –, model –\n" in result.stdout
    assert "Decision  hold" in result.stdout


def test_demo_prints_a_claim_without_a_supporting_quote(finished):
    result, _ = finished

    _, _, after = result.stdout.partition("Not supported by any quote, so not counted\n")
    assert after.startswith("  • Would bring the same approach")


def test_demo_writes_both_reports_to_the_printed_paths(finished):
    result, directory = finished

    (markdown,) = directory.glob("debrief-*/debrief.md")
    assert str(markdown) in result.stdout
    assert markdown.read_text().startswith("# ")
    assert markdown.with_suffix(".html").read_text().lower().startswith("<!doctype html>")


def test_demo_prints_no_whole_credential(finished):
    result, _ = finished

    assert result.stdout.count("characters, not shown)") == 3
    assert "ek_sandbox_" in result.stdout
    assert max(map(len, result.stdout.split())) < 120


def test_lines_fit_the_terminal_except_links_and_paths(finished):
    result, _ = finished

    too_long = [line for line in result.stdout.splitlines() if len(line) > 80]
    assert all(" https://" in line or f" {os.sep}" in line for line in too_long)


def test_demo_prints_why_a_server_without_keys_fails(tmp_path: Path):
    with api_server(tmp_path) as url:
        result = run_demo(url, tmp_path)

    assert result.returncode == 1
    assert "This failed. Daily is not set up on this server; set DAILY_API_KEY" in result.stdout


def test_demo_runs_with_a_key_where_the_server_asks_for_one(tmp_path: Path):
    key = "a-key-of-the-demo-0123"
    with api_server(tmp_path, SANDBOX="true", API_KEYS=f"demo:{key}") as url:
        without, with_key = run_demo(url, tmp_path), run_demo(url, tmp_path, API_KEY=key)

    assert without.returncode == 1
    assert "make demo API_KEY=<key>" in " ".join(without.stdout.split())
    assert with_key.returncode == 0


def test_demo_without_a_server_says_how_to_start_one(tmp_path: Path):
    result = run_demo(f"http://127.0.0.1:{free_port()}", tmp_path)

    assert result.returncode == 1
    assert result.stderr == ""
    assert "Start it with `make run`" in result.stdout
