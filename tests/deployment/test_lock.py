"""requirements.lock names exactly what requirements.txt needs, with hashes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.api_server import ROOT

LOCK = ROOT / "requirements.lock"
NO_NETWORK = "Could not connect|Failed to fetch|error sending request|Temporary failure in name resolution"


def locked():
    """The pinned versions of each package, and the packages without a hash."""
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", LOCK.read_text(), flags=re.MULTILINE).strip())
    versions, without_hash = {}, []
    for entry in entries:
        requirement = Requirement(entry.split("\\")[0])
        versions.setdefault(requirement.name, []).append(str(requirement.specifier))
        if "--hash=sha256:" not in entry:
            without_hash.append(requirement.name)
    return versions, without_hash


def test_every_requirement_is_locked_in_its_version():
    versions, _ = locked()
    required = [Requirement(line) for line in (ROOT / "requirements.txt").read_text().splitlines()]

    assert required
    for requirement in required:
        assert versions[canonicalize_name(requirement.name)] == [str(requirement.specifier)]


def test_every_locked_package_has_hashes():
    versions, without_hash = locked()

    assert len(versions) > len((ROOT / "requirements.txt").read_text().splitlines())
    assert without_hash == []


def test_lock_names_no_package_index():
    assert "://" not in LOCK.read_text()


def test_lock_file_is_up_to_date(tmp_path):
    written = Path(shutil.copy(LOCK, tmp_path))

    ended = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "write_lock.py"), written],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    if ended.returncode and re.search(NO_NETWORK, ended.stderr):
        pytest.skip("the package index cannot be reached")
    assert ended.returncode == 0, ended.stderr
    assert written.read_text() == LOCK.read_text(), "run `make lock`"
