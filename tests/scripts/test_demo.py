"""The demo against a real server in the sandbox: it ends well, and says plainly when it can't."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.api_server import ROOT, api_server, own_environment
from tests.support.servers import free_port


def walk(url: str, directory: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/demo.py"), "--base-url", url]
    env = own_environment(TMPDIR=str(directory), **settings)
    return subprocess.run(command, cwd=directory, env=env, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    directory = tmp_path_factory.mktemp("demo")
    with api_server(directory, SANDBOX="true") as url:
        return walk(url, directory), directory


def test_it_walks_through_the_whole_interview(walked):
    result, _ = walked

    assert result.stderr == ""
    assert result.returncode == 0
    assert "That was the whole interview." in result.stdout


def test_it_shows_the_verdict_with_its_scorecard(walked):
    result, _ = walked

    assert "Recommendation  Leaning Hire" in result.stdout
    assert "Kubernetes            ●○○○○  1" in result.stdout
    assert "Mentoring             not assessed" in result.stdout


def test_it_shows_a_claim_that_no_quote_supports(walked):
    result, _ = walked

    _, _, after = result.stdout.partition("Not supported by any quote, so it counts for nothing\n")
    assert after.startswith("  • Would bring the same approach")


def test_it_leaves_both_reports_where_it_says(walked):
    result, directory = walked

    (markdown,) = directory.glob("debrief-*/debrief.md")
    assert str(markdown) in result.stdout
    assert markdown.read_text().startswith("# ")
    assert markdown.with_suffix(".html").read_text().lower().startswith("<!doctype html>")


def test_it_shows_no_credential_whole(walked):
    result, _ = walked

    assert result.stdout.count("characters, not shown)") == 3
    assert "ek_sandbox_" in result.stdout
    assert max(map(len, result.stdout.split())) < 120


def test_lines_fit_the_terminal_unless_a_link_or_path_would_be_cut(walked):
    result, _ = walked

    too_long = [line for line in result.stdout.splitlines() if len(line) > 80]
    assert all(" https://" in line or f" {os.sep}" in line for line in too_long)


def test_a_server_without_keys_fails_with_the_sentence_that_it_gives(tmp_path: Path):
    with api_server(tmp_path) as url:
        result = walk(url, tmp_path)

    assert result.returncode == 1
    assert "This failed. Daily is not set up on this server; set DAILY_API_KEY" in result.stdout


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path):
    result = walk(f"http://127.0.0.1:{free_port()}", tmp_path)

    assert result.returncode == 1
    assert result.stderr == ""
    assert "Start it with `make run`" in result.stdout
