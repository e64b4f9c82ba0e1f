"""The image of the Dockerfile, built by buildah without a daemon, and run without a container engine.

The base is a minimal Debian made from its packages, since CI need not reach a registry of images. A service in the
image's file system runs as a container engine would start it: read-only root, a user that the image does not know, the
image's own environment and entry point.
"""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.api_server import ROOT
from tests.support.processes import ChildProcess

BUILD_SECONDS = 800
UNKNOWN_USER = "12345:12345"
PACKAGES = "base-files,coreutils,dash,libc-bin,python3-venv"
CERTIFICATES = "/etc/ssl/certs"
"""The machine's own: there may be a proxy before the package index."""
BASE = "localhost/debian-python"

_IN_IMAGE = """\
set -e
mount --bind "$1" "$1"
mount --rbind /proc "$1/proc"
mount --bind /dev "$1/dev"
mount -o remount,bind,ro "$1"
root=$1 user=$2
shift 2
exec chroot --userspec="$user" --groups= "$root" /usr/bin/env --ignore-environment --chdir=/app "$@"
"""


class CannotBuild(Exception):
    """This machine lacks what building takes. The message says what."""


@dataclass
class Image:
    """A built image: its file system and its configuration."""

    root: Path
    config: Mapping[str, Any]

    @contextmanager
    def run(self, log: Path, *flags: str, **variables: str) -> Iterator[ChildProcess]:
        """The service in the image; `flags` follow the entry point, `variables` are set in addition to the image's."""
        command = self.command(*self.config["Entrypoint"], *flags, **variables)
        with ChildProcess(command, directory=Path("/"), output=log) as process:
            yield process

    def command(self, *arguments: str, **variables: str) -> list[str]:
        """The command that runs a program in the image, as a user whom it does not know, on a read-only root."""
        own = [f"{name}={value}" for name, value in variables.items()]
        script = ["sh", "-c", _IN_IMAGE, "sh", str(self.root), UNKNOWN_USER]
        return ["unshare", "--mount", *script, *self.config["Env"], *own, *arguments]


@contextmanager
def built_image(directory: Path) -> Iterator[Image]:
    """The image of the Dockerfile, built in this directory. Raises CannotBuild."""
    for program, advice in (("buildah", "buildah"), ("mmdebstrap", "mmdebstrap"), ("unshare", "util-linux")):
        if shutil.which(program) is None:
            raise CannotBuild(f"{program} is missing (on Debian: apt-get install {advice})")
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        raise CannotBuild("building an image from Debian's packages needs root, and leave to mount")
    buildah = _Buildah(directory)
    try:
        yield _build(buildah, directory)
    finally:
        buildah("rm", "--all")
        buildah("rmi", "--all", "--force")


def _build(buildah: "_Buildah", directory: Path) -> Image:
    _make_base(buildah, directory / "base.tar")
    flags = ["--isolation=chroot", "--network=host", f"--volume={CERTIFICATES}:{CERTIFICATES}:ro", "--format=docker"]
    buildah("build", *flags, f"--build-arg=BASE={BASE}", "--tag=built", str(ROOT))
    config = json.loads(buildah("inspect", "--type=image", "built"))["Docker"]["config"]
    container = buildah("from", "built").strip()
    return Image(Path(buildah("mount", container).strip()), config)


class _Buildah:
    """buildah with storage of its own; returns what a command printed."""

    def __init__(self, directory: Path) -> None:
        self._storage = ["--storage-driver=vfs", f"--root={directory}/storage", f"--runroot={directory}/run"]

    def __call__(self, *arguments: str) -> str:
        return _run(["buildah", *self._storage, *arguments])


def _make_base(buildah: _Buildah, archive: Path) -> None:
    """A stand-in for Docker's python image: a minimal Debian with its own Python."""
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    # only unpacked: setting the packages up takes most of a minute, and nothing here needs it
    _run(["mmdebstrap", "--quiet", "--variant=extract", f"--include={PACKAGES}", release, str(archive)])
    container = buildah("from", "scratch").strip()
    buildah("add", "--quiet", container, str(archive), "/")
    buildah("commit", "--quiet", "--rm", container, BASE)
    archive.unlink()


def _run(command: list[str]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert ended.returncode == 0, f"{command[0]}: {ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
    return ended.stdout
