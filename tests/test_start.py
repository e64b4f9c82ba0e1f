"""Starting the service: its log, refused settings, and the environments in which it starts."""

import os
import re
import shutil
import subprocess
import sys
from asyncio import SelectorEventLoop
from contextlib import contextmanager

import httpx
import pytest

from config import START_FAILED, Settings, UnusableSetting
from services.lifespan import check_event_loop, provider_report, start_warnings
from services.workers import count_workers
from tests.support.api_server import ROOT, api_server, own_environment
from tests.support.clock import ManualClock
from tests.support.processes import ChildProcess
from tests.support.waiting import LIMIT_SECONDS, wait_until

UVICORN = [sys.executable, "-m", "uvicorn", "main:app", "--app-dir", str(ROOT), "--port", "0"]
SERVE = [sys.executable, str(ROOT / "scripts" / "serve.py"), "--port", "0"]
UNKNOWN_USER = ["unshare", "--user", "--map-user=12345", "--map-group=12345"]


@contextmanager
def running(command, directory, environment):
    """The address and the process of a server that was started with this command."""
    log = directory / "log"
    with ChildProcess(command, directory=directory, output=log, environment=environment) as process:
        wait_until(lambda: address_in(log) or not process.is_running, "the service serves")
        assert process.is_running, log.read_text()[-1000:]
        yield address_in(log), process
        process.stop()


def address_in(log):
    found = re.search(r"running on (http://\S+)", log.read_text())
    return found and found[1]


def get(url, path, **headers):
    return httpx.get(url + path, headers=headers, trust_env=False, timeout=60)


class TestWorkers:
    @pytest.mark.parametrize(
        ("flags", "variables"),
        [
            (["--workers", "2"], {}),
            ([], {"WEB_CONCURRENCY": "2"}),
            ([], {"UVICORN_WORKERS": "2"}),
            (["--workers=2"], {"WEB_CONCURRENCY": "1"}),
        ],
    )
    def test_several_workers_without_a_database_are_refused(self, tmp_path, flags, variables):
        environment = own_environment(SANDBOX="true", **variables)

        ended = subprocess.run(
            [*UVICORN, *flags],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

        assert "DATABASE_URL: several workers need a database" in ended.stderr
        assert "Application startup complete" not in ended.stderr
        assert "Traceback" not in ended.stderr

    @pytest.mark.parametrize(
        ("flags", "variables"), [(["--workers", "1"], {"WEB_CONCURRENCY": "4"}), (["--reload"], {})]
    )
    def test_one_worker_starts_without_a_database(self, tmp_path, flags, variables):
        with api_server(tmp_path, *flags, SANDBOX="true", **variables) as url:
            assert get(url, "/health").is_success

    @pytest.mark.parametrize(
        ("flags", "environment", "count"),
        [
            ([], {}, 1),
            (["--workers", "4"], {}, 4),
            (["--workers=4", "--host", "0.0.0.0"], {"WEB_CONCURRENCY": "2"}, 4),
            (["-w4"], {}, 4),
            (["-k", "uvicorn_worker.UvicornWorker", "-w", "4"], {}, 4),
            ([], {"WEB_CONCURRENCY": "2"}, 2),
            ([], {"UVICORN_WORKERS": "3", "WEB_CONCURRENCY": "2"}, 3),
            ([], {"WEB_CONCURRENCY": ""}, 1),
            ([], {"WEB_CONCURRENCY": "auto"}, 1),
            (["--reload"], {"WEB_CONCURRENCY": "2"}, 1),
            (["--workers", "many"], {}, 1),
        ],
    )
    def test_workers_are_counted_from_flags_and_variables(self, flags, environment, count):
        assert count_workers(flags, environment) == count


class TestServe:
    """`make run`."""

    @pytest.mark.parametrize(
        ("env_file", "variables", "is_sandbox"),
        [
            (None, {}, True),
            ((ROOT / ".env.example").read_text(), {}, True),
            ("OPENROUTER_API_KEY=a-key-of-openrouter", {}, False),
            (None, {"DAILY_API_KEY": "a-key-of-daily"}, False),
            (None, {"VAPI_API_KEY": "a-key-of-vapi"}, False),
            (None, {"OPENROUTER_BASE_URL": "http://127.0.0.1:1/v1"}, False),
            ("SANDBOX=false", {}, False),
            (None, {"SANDBOX": "false"}, False),
            ("SANDBOX=daily,vapi\nOPENROUTER_API_KEY=a-key-of-openrouter", {}, True),
        ],
    )
    def test_sandbox_is_on_only_without_any_key(self, tmp_path, env_file, variables, is_sandbox):
        if env_file is not None:
            (tmp_path / ".env").write_text(env_file)

        with running(SERVE, tmp_path, own_environment(**variables)) as (url, _):
            assert get(url, "/health").json()["sandbox"] is is_sandbox

    def test_an_inherited_host_is_ignored(self):
        make = ["make", "--dry-run", "--directory", str(ROOT), "run"]
        environment = os.environ | {"HOST": "build-machine.example"}

        inherited = subprocess.run(make, env=environment, capture_output=True, text=True, check=True).stdout
        asked_for = subprocess.run([*make, "HOST=0.0.0.0"], capture_output=True, text=True, check=True).stdout

        assert "serve.py --host 127.0.0.1 --port 8000" in inherited
        assert "serve.py --host 0.0.0.0 --port 8000" in asked_for

    @pytest.mark.parametrize(
        ("trusted", "statuses"), [({}, [404, 429]), ({"FORWARDED_ALLOW_IPS": "127.0.0.1"}, [404, 404])]
    )
    def test_forwarded_addresses_are_trusted_only_when_configured(self, tmp_path, trusted, statuses):
        settings = {"SANDBOX": "true", "RATE_LIMIT_DEFAULT": "1/hour"} | trusted

        with running(SERVE, tmp_path, own_environment(**settings)) as (url, _):
            answers = [
                get(url, "/api/rooms/unknown-room", **{"X-Forwarded-For": f"203.0.113.{number}"}) for number in range(2)
            ]

        assert [answer.status_code for answer in answers] == statuses

    @pytest.mark.parametrize(
        ("setting", "line"), [({}, "DATABASE_URL: several workers"), ({"HUMAN_FIRST": "perhaps"}, "HUMAN_FIRST: ")]
    )
    def test_a_refused_start_of_several_workers_has_one_line_and_an_exit_code(self, tmp_path, setting, line):
        ended = subprocess.run(
            [*SERVE, "--workers", "2"],
            cwd=tmp_path,
            env=own_environment(SANDBOX="true", **setting),
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

        assert ended.returncode == START_FAILED
        assert ended.stderr.startswith(line)
        assert ended.stderr.count("\n") == 1

    def test_an_invalid_setting_ends_the_start_with_one_line(self, tmp_path):
        ended = subprocess.run(
            SERVE,
            cwd=tmp_path,
            env=own_environment(CORS_ORIGINS="localhost"),
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

        assert ended.returncode == 3
        assert ended.stderr == "CORS_ORIGINS: each origin is scheme://host[:port], such as http://localhost:3000\n"


def configured(**settings):
    return Settings(_env_file=None, **settings)


class TestReport:
    def test_start_log_names_the_state_of_each_provider(self, tmp_path):
        with api_server(tmp_path, SANDBOX="daily", OPENROUTER_API_KEY="a-key-of-openrouter"):
            log = (tmp_path / "log").read_text()

        assert (
            "providers: daily emulated; openrouter configured; openai missing OPENAI_API_KEY; "
            "vapi missing VAPI_API_KEY, VAPI_PHONE_NUMBER_ID"
        ) in log

    def test_own_model_server_needs_no_key(self):
        report = provider_report(configured(openrouter_base_url="http://localhost:11434/v1"))

        assert "openrouter configured" in report

    @pytest.mark.parametrize(
        ("url", "is_warned_about"),
        [
            ("http://models.example.com/v1", True),
            ("http://1.2.3.4/v1", True),
            ("https://models.example.com/v1", False),
            ("http://localhost:11434/v1", False),
            ("http://127.0.0.1:11434/v1", False),
            ("http://[::1]:11434/v1", False),
            ("http://192.168.1.5:11434/v1", False),
            ("http://ollama:11434/v1", False),
            ("http://host.docker.internal:11434/v1", False),
        ],
    )
    def test_plain_http_to_another_network_is_warned_about(self, url, is_warned_about):
        settings = configured(
            openrouter_base_url=url, auth_jwks_url=url, auth_jwt_issuer="issuer", auth_jwt_audience="audience"
        )

        warnings = " ".join(start_warnings(settings, ManualClock()().date()))

        assert ("OPENROUTER_BASE_URL is plain http" in warnings) is is_warned_about
        assert ("AUTH_JWKS_URL is plain http" in warnings) is is_warned_about

    @pytest.mark.parametrize(
        ("settings", "is_local_only"),
        [
            ({"daily_api_key": "a-key-of-daily"}, True),
            ({"daily_api_key": "a-key-of-daily", "trusted_hosts": "api.example.org"}, False),
            ({"sandbox": True}, False),
            ({}, False),
        ],
    )
    def test_open_api_warning_names_the_accepted_hosts(self, settings, is_local_only):
        warnings = " ".join(start_warnings(configured(**settings), ManualClock()().date()))

        assert "the API is open" in warnings
        assert ("answers to localhost only" in warnings) is is_local_only


class ProactorEventLoop(SelectorEventLoop):
    """A stand-in for the default event loop of Windows, with its name."""


@pytest.fixture
def windows_loop():
    loop = ProactorEventLoop()
    yield loop
    loop.close()


class TestEnvironment:
    def test_postgresql_on_the_default_loop_of_windows_is_refused_with_the_remedy(self, windows_loop):
        settings = configured(database_url="postgresql://rooms@127.0.0.1/rooms")

        with pytest.raises(UnusableSetting, match="--loop asyncio:SelectorEventLoop"):
            check_event_loop(settings, windows_loop)

    @pytest.mark.parametrize("url", [None, "sqlite:///./rooms.db"])
    def test_other_storage_works_on_the_default_loop_of_windows(self, windows_loop, url):
        check_event_loop(configured(database_url=url), windows_loop)

    @pytest.mark.parametrize("database", ["", "sqlite:///./rooms.db"])
    def test_service_starts_without_a_home_directory_and_user_name(self, tmp_path, database):
        if shutil.which("unshare") is None or subprocess.run([*UNKNOWN_USER, "true"], check=False).returncode:
            pytest.skip("needs unshare and user namespaces")
        environment = {"SANDBOX": "true", "DATABASE_URL": database, "PATH": os.environ["PATH"]}

        with running([*UNKNOWN_USER, *UVICORN], tmp_path, environment) as (url, _):
            assert get(url, "/health/ready").json()["dependencies"]["storage"] == "ok"
