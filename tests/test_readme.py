"""The README is true: its examples run, its rules and settings are those of the code."""

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
from tests.support.waiting import LIMIT_SECONDS

README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with api_server(tmp_path_factory.mktemp("server"), SANDBOX="true") as url:
        yield url


def run(language, url, folder):
    """Run an example of the README, unchanged but for the address of the server; returns its output."""
    script = re.search(rf"```sh {language}\n(.*?)```", README, re.DOTALL)[1]
    script = script.replace("http://localhost:8000", url)
    # HTTPie is installed beside the interpreter that runs the tests
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def curl(server, tmp_path_factory):
    """The output of the curl example, and the folder that it ran in."""
    folder = tmp_path_factory.mktemp("curl")
    return run("curl", server, folder), folder


def test_curl_example_goes_from_room_to_debrief(curl):
    output, folder = curl

    assert '"recommendation":"Hire"' in output
    assert '"code"' not in output
    assert "event: done" in output
    assert "ek_sandbox" in output
    assert re.search(r'"deleted":\{"room":1,"briefing":1,[^}]*"debriefs":1,', output)
    assert "<h1" in (folder / "debrief.html").read_text()


def test_debrief_in_the_readme_is_the_one_that_the_server_returns(curl):
    output, _ = curl

    shown = json.loads(re.search(r"```json\n(\{\n  \"recommendation\".*?)```", README, re.DOTALL)[1])
    debrief, _ = json.JSONDecoder().raw_decode(
        output[re.search(r'\{"room_name":"[^"]+","version":\d+,"sealed"', output).start() :]
    )
    assert_shown(shown, debrief)


def assert_shown(shown, whole):
    """What is shown is in the whole; the whole may have more."""
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


def test_httpie_example_goes_from_room_to_debrief(server, tmp_path):
    output = run("httpie", server, tmp_path)

    assert "interviewer_token" not in output.split("room_url")[0]
    assert '"code"' not in output
    assert "event: done" in output
    assert "# Interview debrief" in output


def test_scoring_rules_in_the_readme_are_those_of_the_code():
    printed = re.search(r"<!-- rules -->\n(.*?)\n<!-- /rules -->", README, re.DOTALL)[1]

    assert printed == rules_as_markdown()


def test_env_example_has_exactly_the_settings_with_their_defaults():
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")]

    assert [line.partition("=")[0] for line in lines] == [name.upper() for name in Settings.model_fields]
    assert Settings(_env_file=ROOT / ".env.example") == Settings(_env_file=None)


def test_every_setting_in_the_readme_exists():
    section = README.split("## Settings")[1].split("## What lives where")[0]

    named = set(re.findall(r"`([A-Z_]{4,})`", section))
    assert named <= {name.upper() for name in Settings.model_fields}


def test_every_make_target_in_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text()

    for target in set(re.findall(r"make ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_installed_library_is_explained_in_the_readme():
    names = re.findall(r"^([A-Za-z0-9-]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)

    for name in names:
        assert name.lower() in README.lower(), name


def test_every_requirement_is_pinned():
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text().splitlines():
            assert "==" in line or line.startswith("-r "), line


def test_readme_states_the_size_of_the_fault_suite():
    kinds = {case.fault for case in CASES}
    endpoints = {(case.vendor, case.endpoint) for case in CASES}

    assert f"{len(CASES)} cases of {len(kinds)} faults" in README
    assert f"on {len(endpoints)} endpoints" in README
