"""The documentation pages: they load files of this server alone."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_documentation_pages_allow_their_own_scripts_only(client, path):
    answer = client.get(path)

    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    inline = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    hashes = {f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in inline}
    assert set(policy["script-src"].split()) == {"'self'"} | hashes
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "http" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_documentation_pages_load_files_of_this_server_that_exist(client, path):
    page = client.get(path).text

    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert files
    for file in files:
        assert file.startswith("/docs/assets/")
        assert client.get(file).status_code == 200


def test_files_of_the_documentation_are_revalidated_not_loaded_again(client):
    first = client.get("/docs/assets/swagger-ui.css")
    again = client.get("/docs/assets/swagger-ui.css", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/docs/assets/nowhere.js", "/docs/assets/../core.py", "/docs/assets/..%2fcore.py"])
def test_no_other_file_of_the_package_is_served(client, path):
    assert client.get(path).status_code == 404


def test_without_documentation_the_root_is_404(start):
    assert start(docs_enabled=False).get("/").status_code == 404
