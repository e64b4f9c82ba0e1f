"""Clients generated from openapi.json compile, and walk through a whole interview against the running service."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api_server import ROOT, api_server
from tests.support.interviews import TRANSCRIPT

HERE = Path(__file__).parent
PROGRAMS = HERE / "node_modules" / ".bin"
DOCUMENT = str(ROOT / "openapi.json")
LIMIT_SECONDS = 280
"""For one program; npm has to download its packages the first time."""
NO_NETWORK = ("ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "ETIMEDOUT", "ENETUNREACH")
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}

API_KEY = "key-of-the-page-0123456789"
RUN = "import(process.argv[1]).then(async ({ interview }) => console.log(JSON.stringify(await interview(...process.argv.slice(2)))))"


def run(*command: str | Path, directory: Path = HERE) -> str:
    """Run a program of this environment; returns what it printed. Fails with its output where it fails."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=directory,
        env=os.environ | QUIET | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def npm_packages() -> None:
    """The packages of package-lock.json, installed once and again after it has changed."""
    if shutil.which("npm") is None:
        pytest.skip("npm is missing: install Node.js 20 or newer")
    installed = HERE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime:
        install_npm_packages()
        installed.touch()


def install_npm_packages() -> None:
    """Install what the lock file names. Skips the test where there is no network, which CI counts as a failure."""
    try:
        run("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund")
    except AssertionError as failed:
        if any(code in str(failed) for code in NO_NETWORK):
            pytest.skip("npm cannot reach its registry")
        raise


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[str]:
    """The address of the service in the sandbox, which asks for the key, and for ratings before it shows the model's."""
    settings = {"SANDBOX": "true", "HUMAN_FIRST": "on", "API_KEYS": f"page:{API_KEY}"}
    with api_server(tmp_path_factory.mktemp("server"), **settings) as url:
        yield url


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory) -> Iterator[str]:
    """The address of a service that asks for no key."""
    with api_server(tmp_path_factory.mktemp("server"), SANDBOX="true") as url:
        yield url


def assert_whole_interview(shown):
    assert shown["token"]
    assert shown["endsAt"].startswith("20")
    assert "Grace" in shown["prompt"]
    assert shown["minutes"] == 30
    assert shown["editedBy"] == "interviewer"
    assert shown["questionsLeftOut"] == 1
    assert shown["answer"]
    assert shown["streamed"]
    assert shown["candidate"] == "Candidate"
    assert shown["isIndependent"] is True
    assert shown["stages"]
    assert shown["recommendation"] in {"Strong Hire", "Hire", "Leaning Hire", "Leaning No Hire", "No Hire", "N/A"}
    assert shown["quotes"]
    assert all(quote in TRANSCRIPT for quote in shown["quotes"])
    assert shown["isStored"]
    assert shown["compared"] == [[4]]
    assert shown["decision"] == "advance"
    assert shown["deletedRooms"] == 1
    assert shown["afterwards"] == "room_not_found"


def test_typescript_client_compiles_strictly_and_holds_an_interview(npm_packages, service, tmp_path):
    for name in ("interview.ts", "tsconfig.json", "package.json"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    run(PROGRAMS / "openapi-typescript", DOCUMENT, "--output", tmp_path / "api.ts")
    run(PROGRAMS / "tsc", "--project", tmp_path)

    shown = run("node", "-e", RUN, tmp_path / "built" / "interview.js", service, API_KEY, TRANSCRIPT)

    assert_whole_interview(json.loads(shown))


def test_javascript_of_the_readme_opens_a_room_and_streams_an_answer(npm_packages, sandbox, tmp_path):
    code = "".join(re.findall(r"```js\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL))
    page = tmp_path / "page.mjs"
    page.write_text(code.replace("http://localhost:8000", sandbox) + "\nconsole.log(JSON.stringify({ room, text }));\n")
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")

    shown = json.loads(run("node", page))

    assert shown["room"]["interviewer_token"]
    assert shown["text"]


def test_python_client_passes_strict_type_checks_and_holds_an_interview(service, tmp_path):
    output = tmp_path / "interview_room_api"
    run(
        "openapi-python-client",
        "generate",
        "--path",
        DOCUMENT,
        "--output-path",
        output,
        "--meta=none",
        "--fail-on-warning",
    )
    script = shutil.copy(HERE / "interview.py", tmp_path)
    # silent: the generator's own client.py, the same for every API, is not strict
    flags = ("--strict", "--follow-imports=silent", "--cache-dir", tmp_path / "cache")
    run("mypy", *flags, script, output / "api", output / "models", directory=tmp_path)

    shown = json.loads(run(sys.executable, script, service, API_KEY, TRANSCRIPT, directory=tmp_path))

    assert_whole_interview(shown)
    assert shown["location"].startswith("/api/rooms/")


def test_document_passes_spectral(npm_packages):
    run(PROGRAMS / "spectral", "lint", DOCUMENT, "--ruleset", "spectral.yaml", "--fail-severity", "hint")


def test_document_passes_redocly(npm_packages):
    run(PROGRAMS / "redocly", "lint", DOCUMENT, "--config", "redocly.yaml")
