"""The minimal Debian under every lab image: bootstrapped here, or pulled where that cannot be."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from provision import project
from provision.errors import ProvisionError
from provision.lab import apt, images, lock
from provision.lab.archive import Entry
from provision.lab.layout import LABEL

if TYPE_CHECKING:
    from provision.lab.images import Images

RELEASE = "trixie"
BOOTSTRAP_TIMEOUT = 600.0


def ensure(store: Images, release: str = RELEASE) -> str:
    """Return the tag of the lab's base image of a Debian ``release``, made where it is missing."""
    debian = f"provision-lab-debian:{release}"
    with lock.held_for_all_labs(f"debian-{release}"):
        if not store.has(debian):
            store.say(f"making a minimal Debian {release}")
            make = _bootstrap if shutil.which("mmdebstrap") else _pull
            make(store, release, debian)
    return store.build(f"provision-lab-base-{release}", _context(release), {"DEBIAN": debian})


def _context(release: str) -> images.Context:
    """Return the build context: the Dockerfile, and how this machine reaches packages."""
    context = images.read_context(project.find("docker", "lab-base"))
    machine = {
        "apt/debian.sources": apt.machine_mirrors().sources(release).encode(),
        "apt/99machine.conf": apt.machine_settings().encode(),
        "ca/.keep": b"",  # COPY wants the directory, even without a certificate
        **{f"ca/{name}": content for name, content in apt.local_authorities().items()},
    }
    return context | {f"machine/{name}": Entry(content) for name, content in machine.items()}


def _bootstrap(store: Images, release: str, tag: str) -> None:
    """Make the image from packages alone, with mmdebstrap."""
    keyring = [f"--keyring={apt.KEYRING}"] if Path(apt.KEYRING).exists() else []
    with tempfile.TemporaryDirectory(prefix="provision-lab-") as directory:
        target = Path(directory) / "debian.tar"
        command = [
            "mmdebstrap",
            "--variant=minbase",
            "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/doc/*",
            *keyring,
            release,
            str(target),
            apt.machine_mirrors().main,
        ]
        _run(command)
        repository, _, release_tag = tag.partition(":")
        store.client.api.import_image_from_file(
            str(target), repository, release_tag, changes=[f"LABEL {LABEL}=1", 'CMD ["/bin/bash"]']
        )


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=BOOTSTRAP_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise ProvisionError(f"mmdebstrap took more than {BOOTSTRAP_TIMEOUT:.0f} s") from None
    if done.returncode:
        tail = "\n  ".join(done.stderr.splitlines()[-10:])
        raise ProvisionError(
            f"mmdebstrap could not make a Debian image:\n  {tail}",
            hint="can this machine reach the mirrors of /etc/apt/sources.list(.d)?",
        )


def _pull(store: Images, release: str, tag: str) -> None:
    """Take Debian's official image, labelled as the lab's, where a registry can be reached."""
    from docker.errors import APIError

    image = f"debian:{release}-slim"
    try:
        store.client.images.pull(image)
    except APIError as error:
        raise ProvisionError(
            f"no base image: mmdebstrap is not installed, and {image} cannot be pulled ({error})",
            hint="apt-get install mmdebstrap arch-test, or give Docker access to a registry",
        ) from None
    dockerfile = f"FROM {image}\n".encode()
    built = store.build("provision-lab-pulled", {"Dockerfile": Entry(dockerfile)}, {})
    store.client.images.get(built).tag(*tag.split(":"))
