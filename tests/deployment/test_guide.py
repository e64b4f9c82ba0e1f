"""docs/deployment.md is true: its settings exist, its service unit starts the service."""

import re
import shlex
import sys
from configparser import RawConfigParser

import httpx
import pytest

from config import Settings
from tests.support.api_server import ROOT, own_environment
from tests.support.processes import ChildProcess
from tests.support.waiting import LIMIT_SECONDS, wait_until

GUIDE = (ROOT / "docs" / "deployment.md").read_text()
OF_OTHERS = {
    "PORT",
    "WEB_CONCURRENCY",
    "FORWARDED_ALLOW_IPS",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "PYTHONDONTWRITEBYTECODE",
    "RAILWAY_DEPLOYMENT_DRAINING_SECONDS",
    "BASE",
}
"""Variables of the server, of Python, of a platform and of the Dockerfile."""


def test_every_variable_of_the_guide_exists():
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b(?!_)", GUIDE)) | set(re.findall(r"\b([A-Z]+)=", GUIDE))
    settings = {name.upper() for name in Settings.model_fields}

    assert "TRUSTED_HOSTS" in named
    assert named - settings - OF_OTHERS == set()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", GUIDE))))
def test_every_file_that_the_guide_links_to_exists(target):
    assert (ROOT / "docs" / target).exists()


def test_every_section_that_the_guide_links_to_exists():
    sections = {
        re.sub(r"[^a-z ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", GUIDE, re.MULTILINE)
    }

    assert set(re.findall(r"\]\(#([^)]+)\)", GUIDE)) <= sections


def test_service_unit_starts_the_service_on_its_socket(tmp_path):
    unit = RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string(re.search(r"```ini\n(.*?)```", GUIDE, re.DOTALL)[1])
    service = unit["Service"]
    places = {
        "/opt/interview-room/.venv/bin/python": sys.executable,
        "/opt/interview-room": str(ROOT),
        "/run/interview-room": str(tmp_path),
    }
    command = service["ExecStart"]
    for place, here in places.items():
        command = command.replace(place, here)
    environment = dict(word.split("=", 1) for word in shlex.split(service["Environment"]))
    log = tmp_path / "log"

    with ChildProcess(
        shlex.split(command), directory=tmp_path, output=log, environment=own_environment(**environment)
    ) as process:
        wait_until(lambda: "Uvicorn running" in log.read_text() or not process.is_running, "the service is ready")
        transport = httpx.HTTPTransport(uds=str(tmp_path / "api.sock"))
        with httpx.Client(transport=transport, base_url="http://localhost", timeout=LIMIT_SECONDS) as client:
            health = client.get("/health").json()
        code = process.stop()

    assert health["sandbox"] is False
    assert code == 0
