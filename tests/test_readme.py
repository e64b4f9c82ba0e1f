"""The README tells the truth: its walk-throughs run, its rules are the code's, its settings are the settings."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config import Settings
from services.evidence.scoring import rules_as_markdown
from tests.faults.table import CASES
from tests.support.api_server import ROOT, api_server

README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with api_server(tmp_path_factory.mktemp("server"), SANDBOX="true") as url:
        yield url


def run(language, url, folder):
    """Run a walk-through of the README as it stands, against this server."""
    script = re.search(rf"```sh {language}\n(.*?)```", README, re.DOTALL)[1]
    script = script.replace("http://localhost:8000", url)
    # HTTPie stands beside the interpreter that runs the tests
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_interview_in_curl_goes_from_room_to_debrief(server, tmp_path):
    said = run("curl", server, tmp_path)

    assert '"recommendation":"Hire"' in said
    assert '"code"' not in said
    assert "event: done" in said
    assert "ek_sandbox" in said
    assert '"deleted":{"room":1,"briefing":1,"debriefs":1' in said
    assert "<h1" in (tmp_path / "debrief.html").read_text()


def test_the_debrief_that_the_readme_shows_is_the_one_that_comes_back(server, tmp_path):
    said = run("curl", server, tmp_path)

    shown = json.loads(re.search(r"```json\n(\{\n  \"recommendation\".*?)```", README, re.DOTALL)[1])
    debrief, _ = json.JSONDecoder().raw_decode(said[re.search(r'\{"room_name":"[^"]+","version"', said).start() :])
    assert_shown(shown, debrief)


def assert_shown(shown, whole):
    """Everything that is shown is so; what is left out may be anything."""
    if isinstance(shown, dict):
        for key, value in shown.items():
            assert_shown(value, whole[key])
    elif isinstance(shown, list):
        for value in shown:
            assert any(is_shown(value, entry) for entry in whole), value
    else:
        assert shown == whole


def is_shown(shown, whole):
    try:
        assert_shown(shown, whole)
    except (AssertionError, KeyError):
        return False
    return True


def test_the_interview_in_httpie_works_too(server, tmp_path):
    said = run("httpie", server, tmp_path)

    assert "interviewer_token" not in said.split("room_url")[0]
    assert '"code"' not in said
    assert "event: done" in said
    assert "# Interview debrief" in said


def test_the_rules_are_those_that_the_code_applies():
    printed = re.search(r"<!-- rules -->\n(.*?)\n<!-- /rules -->", README, re.DOTALL)[1]

    assert printed == rules_as_markdown()


def test_env_example_names_exactly_the_settings_with_their_defaults(monkeypatch):
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")]

    assert [line.partition("=")[0] for line in lines] == [name.upper() for name in Settings.model_fields]
    assert Settings(_env_file=ROOT / ".env.example") == Settings(_env_file=None)


def test_every_setting_that_the_readme_names_exists():
    section = README.split("## Settings")[1].split("## What lives where")[0]

    named = set(re.findall(r"`([A-Z_]{4,})`", section))
    assert named <= {name.upper() for name in Settings.model_fields}


def test_every_make_target_that_the_readme_names_exists():
    makefile = (ROOT / "Makefile").read_text()

    for target in set(re.findall(r"make ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_library_that_is_installed_has_its_reason():
    names = re.findall(r"^([A-Za-z0-9-]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)

    for name in names:
        assert name.lower() in README.lower(), name


def test_every_version_is_pinned():
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text().splitlines():
            assert "==" in line or line.startswith("-r "), line


def test_the_fault_suite_is_as_large_as_the_readme_says():
    kinds = {case.fault for case in CASES}
    endpoints = {(case.vendor, case.endpoint) for case in CASES}

    assert f"{len(CASES)} cases of {len(kinds)} faults" in README
    assert f"on {len(endpoints)} endpoints" in README
