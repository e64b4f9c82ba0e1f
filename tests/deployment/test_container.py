"""The image of the Dockerfile is built and started."""

import subprocess

import httpx
import pytest

from tests.deployment.image import CannotBuild, built_image
from tests.support.ports import free_port
from tests.support.waiting import LIMIT_SECONDS, wait_until

pytestmark = pytest.mark.timeout(1200)  # the first test builds the image


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    try:
        with built_image(tmp_path_factory.mktemp("image")) as built:
            yield built
    except CannotBuild as missing:
        pytest.skip(str(missing))


def is_healthy(image, port, **variables):
    """Whether the health check of the image succeeds."""
    kind, *arguments = image.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    checked = subprocess.run(
        image.command(*arguments, PORT=str(port), **variables),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    return checked.returncode == 0


def get(port, path):
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=LIMIT_SECONDS)


def wait_until_ready(log, process):
    wait_until(lambda: "Uvicorn running" in log.read_text() or not process.is_running, "the service is ready")
    assert process.is_running, log.read_text()


def test_service_runs_on_a_read_only_root_as_an_unknown_user_without_a_home(image, tmp_path):
    port, log = free_port(), tmp_path / "log"
    with image.run(log, PORT=str(port), SANDBOX="true") as process:
        wait_until_ready(log, process)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=LIMIT_SECONDS) as client:
            name = client.post("/api/rooms", json={"interviewer_name": "Ada"}).json()["room_name"]
            debrief = client.post(f"/api/rooms/{name}/debrief", json={"transcript": "Candidate: I led the migration."})
        docs = get(port, "/docs")
        healthy = is_healthy(image, port)
        code = process.stop()

    assert debrief.status_code == 200
    assert docs.status_code == 200
    assert healthy
    assert code == 0
    assert not is_healthy(image, port)


def test_root_of_the_running_image_cannot_be_written(image):
    tried = subprocess.run(image.command("touch", "/app/file"), capture_output=True, text=True, check=False)

    assert "Read-only file system" in tried.stderr


def test_health_check_uses_a_host_name_that_the_service_answers_to(image, tmp_path):
    port, log, hosts = free_port(), tmp_path / "log", {"TRUSTED_HOSTS": "*.example.org"}
    with image.run(log, PORT=str(port), **hosts) as process:
        wait_until_ready(log, process)

        assert get(port, "/health").status_code == 421
        assert is_healthy(image, port, **hosts)


def test_image_without_keys_is_not_the_sandbox(image, tmp_path):
    port, log = free_port(), tmp_path / "log"
    with image.run(log, PORT=str(port)) as process:
        wait_until_ready(log, process)

        assert get(port, "/health").json()["sandbox"] is False


def test_options_of_uvicorn_follow_the_name_of_the_image(image, tmp_path):
    log = tmp_path / "log"
    with image.run(log, "--workers", "2", PORT=str(free_port()), SANDBOX="true") as process:
        wait_until(lambda: "several workers need a database" in log.read_text(), "the workers refuse to start")
        process.stop()


def test_image_runs_as_a_user_that_is_not_root(image):
    user, _, group = image.config["User"].partition(":")

    assert int(user) > 0
    assert int(group) > 0


def test_image_has_only_what_the_service_runs(image):
    names = {path.name for path in (image.root / "app").iterdir()}

    assert names == {
        "LICENSE",
        "__pycache__",
        "config.py",
        "logs.py",
        "main.py",
        "requirements.lock",
        "routers",
        "scripts",
        "services",
        "setting_types.py",
    }
    assert {path.name for path in (image.root / "app" / "scripts").glob("*.py")} == {"healthcheck.py", "serve.py"}
    assert not list((image.root / "opt" / "venv").glob("lib/python3*/site-packages/pip"))
