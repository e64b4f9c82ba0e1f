"""README and docs are true: examples run; endpoints, codes, rules, settings and links are those of the code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config import Settings
from routers.http_protocol import (
    MAX_CONNECTIONS,
    MAX_HEAD_BYTES,
    MAX_PIPELINED_REQUESTS,
    STALLED_SECONDS,
    UNREAD_BODY_SECONDS,
)
from routers.schemas.chat import MAX_TURNS, TURNS
from services.access.budgets import ROOM_PHONE_CALLS, ROOM_VOICE_SESSIONS
from services.errors import ServiceError
from services.evidence.scoring import rules_as_markdown
from services.fair_threads import THREADS
from services.interview.debrief_reading import MAX_INPUT_TOKENS
from services.interview.participants import MAX_CANDIDATE_TOKENS
from services.transcript.source import MOST_CHARACTERS, MOST_LABELS, MOST_TURNS
from tests.faults.table import CASES
from tests.support.api_server import ROOT, api_server
from tests.support.waiting import LIMIT_SECONDS

README = (ROOT / "README.md").read_text()
PAGES = (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))


FRAMEWORK_CODES = {"not_found", "method_not_allowed", "request_timeout", "internal_error"}


def page(name):
    return (ROOT / name).read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with api_server(tmp_path_factory.mktemp("server"), SANDBOX="true") as url:
        yield url


def run(text, language, url, folder):
    """Run an example, unchanged but for the address of the server; returns its output."""
    script = re.search(rf"```sh {language}\n(.*?)```", text, re.DOTALL)[1]
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
    return run(README, "curl", server, folder), folder


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
    output = run(page("docs/httpie.md"), "httpie", server, tmp_path)

    assert "interviewer_token" not in output.split("room_url")[0]
    assert '"code"' not in output
    assert "event: done" in output
    assert "# Interview debrief" in output


def test_scoring_rules_in_the_docs_are_those_of_the_code():
    printed = re.search(r"<!-- rules -->\n(.*?)\n<!-- /rules -->", page("docs/evidence.md"), re.DOTALL)[1]

    assert printed == rules_as_markdown()


def test_env_example_has_exactly_the_settings_with_their_defaults():
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")]

    assert [line.partition("=")[0] for line in lines] == [name.upper() for name in Settings.model_fields]
    assert Settings(_env_file=ROOT / ".env.example") == Settings(_env_file=None)


def test_every_setting_in_the_readme_exists():
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)[`=]", README))

    assert named <= {name.upper() for name in Settings.model_fields}


def test_every_make_target_in_the_readme_exists():
    makefile = page("Makefile")
    commands = "".join(re.findall(r"`make [^`]*`|^make .*$", README + page("CONTRIBUTING.md"), re.MULTILINE))

    for target in set(re.findall(r"make ([a-z-]+)", commands)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_installed_library_is_explained():
    text = page("docs/dependencies.md").lower()

    required = page("requirements.txt") + page("requirements-dev.txt")
    for name in re.findall(r"^([A-Za-z0-9][A-Za-z0-9-]*)", required, re.MULTILINE):
        assert re.search(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", text), name


def test_every_endpoint_is_in_the_table():
    table = README.split("## Endpoints")[1].split("\n## ")[0]
    listed = {
        (method, path)
        for methods, path in re.findall(r"`((?:POST|GET|PUT|DELETE)[`, A-Z]*) (/[^`?]+)", table)
        for method in re.findall(r"[A-Z]+", methods)
    }
    api = json.loads(page("openapi.json"))

    served = {(method.upper(), path) for path, methods in api["paths"].items() for method in methods}
    assert listed == {(method, path) for method, path in served if method != "HEAD"}


def test_every_problem_code_is_in_the_table():
    table = re.search(r"<!-- codes -->\n(.*?)<!-- /codes -->", README, re.DOTALL)[1]

    listed = set(re.findall(r"`([a-z]+(?:_[a-z]+)+|unauthorized|forbidden)`", table)) - {"request_id"}
    assert listed == {error.code for error in all_errors(ServiceError)} | FRAMEWORK_CODES


def all_errors(base):
    return {one for child in base.__subclasses__() for one in (child, *all_errors(child))}


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_links_between_pages_lead_somewhere(file):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", file.read_text()):
        if "://" not in target:
            assert (file.parent / target).exists(), target


def test_every_requirement_is_pinned():
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text().splitlines():
            assert "==" in line or line.startswith("-r "), line


def test_contributing_states_the_size_of_the_fault_suite():
    kinds = {case.fault for case in CASES}
    endpoints = {(case.vendor, case.endpoint) for case in CASES}

    assert f"{len(CASES)} cases of {len(kinds)} faults" in page("CONTRIBUTING.md")
    assert f"on {len(endpoints)} endpoints" in page("CONTRIBUTING.md")


def limits_rows():
    """The rows of the table in docs/limits.md, by their first cell."""
    lines = (ROOT / "docs" / "limits.md").read_text().splitlines()
    return {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}


DEFAULTS = Settings(_env_file=None)
LIMITS = {
    "calls": DEFAULTS.rate_limit_default.replace("/", " a "),
    "chat, debriefs and plans": DEFAULTS.rate_limit_llm.replace("/", " a "),
    "model tokens": f"{DEFAULTS.model_budget // 1_000_000} million a day",
    "input of one debrief": f"{MAX_INPUT_TOKENS:,} tokens",
    "phone calls": f"{DEFAULTS.phone_budget.per_day} a day; {ROOM_PHONE_CALLS} an hour for each room",
    "tokens that a room issues to candidates": f" {MAX_CANDIDATE_TOKENS} ",
    "voice sessions of a room": f"{ROOM_VOICE_SESSIONS} an hour",
    "rooms and stored bytes": f"{DEFAULTS.storage_budget.rooms} rooms and {DEFAULTS.storage_budget.bytes // 1024**2} MiB",
    "messages in one answer of `GET /chat`": f"{MAX_TURNS}, by default {TURNS}",
    "threads for CPU-bound work": f"{THREADS} for each process",
    "characters, turns and speakers of a transcript": f"{MOST_CHARACTERS:,}, {MOST_TURNS:,} and {MOST_LABELS}",
    "request line and headers": f"{MAX_HEAD_BYTES // 1024} KiB",
    "request body": f"{DEFAULTS.body_timeout_seconds:g} s to arrive",
    "requests on one connection that wait for the one before": f"{MAX_PIPELINED_REQUESTS} with httptools",
    "time of sending a body on after its answer": f"{UNREAD_BODY_SECONDS:g} s",
    "connections": f"at most {MAX_CONNECTIONS:,}",
    "time without reading a response": f"{STALLED_SECONDS:g} s",
}


@pytest.mark.parametrize("resource", LIMITS)
def test_limits_page_states_the_limits_of_the_code(resource):
    assert LIMITS[resource] in limits_rows()[resource]
