"""Settings: how the text of a variable and of `.env` is read."""

import logging

import pytest
from pydantic import SecretStr, ValidationError

import main
from config import PROVIDERS, Settings, UnusableSetting, load_settings, misspelt_names


def configured(**settings):
    return Settings(_env_file=None, **settings)


GIVEN = {
    "daily_api_key": "a-key",
    "openrouter_model": "a-model",
    "vapi_allowed_countries": "us, CA",
    "daily_api_url": "https://daily.test/v1",
    "upstream_timeout_seconds": "3",
    "max_body_bytes": "2048",
    "sandbox": "true",
    "database_url": "sqlite:///./rooms.db",
    "debrief_recommendation": "off",
    "api_keys": "web:a-key-of-some-length",
    "auth_jwt_secret": "a-secret-of-at-least-thirty-two-bytes!",
    "auth_jwks_url": "https://issuer.test/keys",
    "auth_jwt_audience": "interviews",
    "rate_limit_default": "10/minute",
    "rate_limit_storage_url": "redis://localhost",
    "cors_origins": "https://app.test",
    "trusted_hosts": "api.test",
    "log_level": "INFO",
}


@pytest.mark.parametrize("setting", GIVEN)
@pytest.mark.parametrize("around", ["{}\r", " {} ", "{}\r\n", "\t{}\n"])
def test_blanks_and_line_ends_around_a_value_do_not_count(monkeypatch, setting, around):
    monkeypatch.setenv(setting.upper(), around.format(GIVEN[setting]))

    value = getattr(load_settings(), setting)

    assert value == getattr(configured(**{setting: GIVEN[setting]}), setting)
    if isinstance(value, SecretStr):
        assert value.get_secret_value() == GIVEN[setting]


@pytest.mark.parametrize("setting", GIVEN)
@pytest.mark.parametrize("blank", ["", " ", "\r", "\r\n"])
def test_a_blank_value_means_not_set(monkeypatch, setting, blank):
    monkeypatch.setenv(setting.upper(), blank)

    assert getattr(load_settings(), setting) == Settings.model_fields[setting].default


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("HTTPS://App.Example.COM", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:80/", "http://app.example.com"),
        ("https://app.example.com:80", "https://app.example.com:80"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("*", "*"),
    ],
)
def test_origins_are_normalized_as_browsers_send_them(written, sent):
    assert configured(cors_origins=written).cors_origins == (sent,)


@pytest.mark.parametrize(
    "origin",
    ["app.example.com", "https://app.example.com/path", "ftp://app.example.com", "https://", "https://a b", "//a"],
)
def test_invalid_origin_is_refused(origin):
    with pytest.raises(ValidationError, match="each origin is scheme"):
        configured(cors_origins=f"http://localhost:3000,{origin}")


def test_a_slash_at_the_end_of_a_base_url_makes_no_difference():
    assert configured(openrouter_base_url="http://localhost:1234/v1/").openrouter_base_url == "http://localhost:1234/v1"


@pytest.mark.parametrize(
    "url", ["https://issuer.test/keys/", "https://issuer.test/keys?tenant=a", "https://issuer.test"]
)
def test_the_url_of_published_keys_is_kept_as_written(url):
    assert configured(auth_jwks_url=url).auth_jwks_url == url


@pytest.mark.parametrize("url", ["https://daily.test/v1?key=a", "https://daily.test/v1#a", "daily.test", "https://"])
def test_an_unusable_base_url_is_refused(url):
    with pytest.raises(ValidationError, match="must be a"):
        configured(daily_api_url=url)


@pytest.mark.parametrize(
    ("text", "emulated"),
    [
        ("true", PROVIDERS),
        ("1", PROVIDERS),
        ("on", PROVIDERS),
        ("false", ()),
        ("off", ()),
        ("0", ()),
        ("daily", ("daily",)),
        ("daily, vapi", ("daily", "vapi")),
        ("Daily,VAPI,", ("daily", "vapi")),
        (",".join(PROVIDERS), PROVIDERS),
    ],
)
def test_sandbox_names_the_providers_to_emulate(text, emulated):
    settings = configured(sandbox=text)

    assert settings.sandbox == set(emulated)
    assert settings.is_sandbox == (set(emulated) == set(PROVIDERS))


@pytest.mark.parametrize("text", ["maybe", "daily,llm", "daily vapi", "all"])
def test_an_unknown_name_in_sandbox_is_refused_with_the_known_ones(monkeypatch, text):
    monkeypatch.setenv("SANDBOX", text)

    with pytest.raises(UnusableSetting) as refused:
        load_settings()

    assert str(refused.value) == (
        "SANDBOX: must be true, false, or a comma-separated list of daily, openrouter, openai, vapi"
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("API_KEY", "API_KEYS"),
        ("OPENROUTER_KEY", "OPENROUTER_API_KEY or OPENROUTER_MODEL"),
        ("DAILY_KEY", "DAILY_API_KEY"),
        ("VAPI_KEY", "API_KEYS or VAPI_API_KEY"),
        ("OPENAI_KEY", "OPENAI_API_KEY"),
        ("JWT_SECRET", "AUTH_JWT_SECRET"),
        ("DATABASE_URI", "DATABASE_URL"),
    ],
)
def test_a_misspelt_setting_is_named_with_the_one_that_is_meant(written, meant):
    assert misspelt_names([written]) == [f".env: {written} is not a setting; did you mean {meant}?"]


@pytest.mark.parametrize("name", ["DAILY_API_KEY", "NODE_ENV", "NEXT_PUBLIC_API_URL", "SUPABASE_ANON_KEY", "PORT"])
def test_settings_and_names_of_other_programs_are_not_called_misspelt(name):
    assert misspelt_names([name]) == []


@pytest.mark.parametrize("level", ["warning", "Warning", "WARNING"])
def test_case_of_log_level_and_format_does_not_count(level):
    settings = configured(log_level=level, log_format="JSON")

    assert (settings.log_level, settings.log_format) == ("WARNING", "json")


@pytest.mark.parametrize("text", ["200 rooms;64 MiB", "200 Rooms; 64 mib", "64MiB ;200 rooms"])
def test_case_spaces_and_order_of_a_storage_budget_do_not_count(text):
    assert configured(storage_budget=text).storage_budget == (200, 64 * 1024**2)


def test_each_invalid_setting_gets_a_line(monkeypatch):
    monkeypatch.setenv("MAX_BODY_BYTES", "many")
    monkeypatch.setenv("LOG_LEVEL", "loud")

    with pytest.raises(UnusableSetting) as refused:
        load_settings()

    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == ["MAX_BODY_BYTES", "LOG_LEVEL"]


@pytest.mark.parametrize("hosts", ["https://api.example.org", "api.example.org:8000", "*example.org", "a b", "api.*"])
def test_an_invalid_host_name_in_trusted_hosts_is_refused(settings, hosts):
    with pytest.raises(ValidationError, match="host name without scheme and port"):
        settings(trusted_hosts=hosts)


@pytest.mark.parametrize("setting", ["vapi_phone_number_id", "vapi_assistant_id", "openai_realtime_model"])
def test_settings_are_trimmed_and_blank_ones_are_unset(settings, setting):
    default = Settings.model_fields[setting].default

    assert getattr(settings(**{setting: " a-name \r\n"}), setting) == "a-name"
    assert getattr(settings(**{setting: " \r\n"}), setting) == default


@pytest.fixture
def env_file(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".env"


@pytest.mark.usefixtures("own_logging")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'SANDBOX=true\nAPI_KEYS="web:abcdefghijklmnop\n', ".env: line 2 cannot be read"),
        (b"API_KEYS:web:abcdefghijklmnop\n", ".env: line 1 cannot be read"),
        (b"API_KEYS=web:abcdefghijklmnop\nexport API_KEYS\n", ".env: line 2 cannot be read"),
        ("SANDBOX=true\n".encode("utf-16"), ".env is not in UTF-8"),
        ("SANDBOX=true\n".encode("utf-16-le"), ".env is not in UTF-8"),
        ("# clé\nSANDBOX=true\n".encode("latin-1"), ".env is not in UTF-8"),
    ],
    ids=["quote", "colon", "no value", "UTF-16", "UTF-16 without a mark", "Latin-1"],
)
def test_an_unreadable_env_file_ends_the_start(env_file, capsys, content, reason):
    env_file.write_bytes(content)

    with pytest.raises(SystemExit):
        main.start()

    assert capsys.readouterr().err.startswith(reason)


@pytest.mark.usefixtures("own_logging")
def test_an_env_file_may_have_crlf_a_byte_order_mark_and_other_names(env_file, capsys):
    env_file.write_bytes(
        b'\xef\xbb\xbfexport LOG_LEVEL="WARNING"\r\n# x\r\nNEXT_PUBLIC_DAILY_API_KEY=1\r\nexport PATH\r\nAPI_KEY=x\r\n'
    )

    main.start()

    assert logging.getLogger("services").level == logging.WARNING
    said = capsys.readouterr().err
    assert "API_KEY is not a setting; did you mean API_KEYS?" in said
    assert "NEXT_PUBLIC" not in said
