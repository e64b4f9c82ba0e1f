"""The health check of the container."""

import subprocess
import sys

import httpx
import pytest

from tests.support.api_server import ROOT, api_server, own_environment
from tests.support.http_server import http_server
from tests.support.ports import free_port
from tests.support.waiting import LIMIT_SECONDS


def check_health(directory, port, **settings):
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "healthcheck.py")],
        cwd=directory,
        env=own_environment(PORT=str(port), **settings),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def port_of(url):
    return url.rpartition(":")[2]


@pytest.mark.parametrize("hosts", ["", "api.example.org", "*.example.org,localhost"])
def test_running_service_is_healthy_with_any_trusted_hosts(tmp_path, hosts):
    settings = {"SANDBOX": "true", "TRUSTED_HOSTS": hosts}
    with api_server(tmp_path, **settings) as url:
        checked = check_health(tmp_path, port_of(url), **settings)

    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_service_that_does_not_listen_is_unhealthy(tmp_path):
    checked = check_health(tmp_path, free_port())

    assert checked.returncode == 1
    assert "The service does not answer" in checked.stderr


def test_a_service_that_answers_with_an_error_is_unhealthy(tmp_path):
    with http_server(lambda _: httpx.Response(500)) as url:
        checked = check_health(tmp_path, port_of(url))

    assert checked.returncode == 1
    assert checked.stderr == "/health answered 500\n"
