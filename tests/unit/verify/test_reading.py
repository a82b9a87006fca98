"""What the outputs of system tools mean."""

from __future__ import annotations

from provision.verify.reading import (
    InstalledPackage,
    ListeningSocket,
    PathStatus,
    Unit,
    listening,
    packages,
    statuses,
    units,
)

_SS = """\
udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=5,fd=13))
udp UNCONN 0 0 [fe80::1]%eth0:546 [::]:* users:(("systemd-network",pid=6,fd=9))
tcp LISTEN 0 4096 10.0.0.1:50051 0.0.0.0:* users:(("docker-proxy",pid=70,fd=4))
tcp LISTEN 0 128 *:9100 *:* users:(("a b",pid=71,fd=3),("a b",pid=72,fd=3))
tcp LISTEN 0 128 [::]:22 [::]:*
"""


def test_listening_sockets() -> None:
    assert listening(_SS) == [
        ListeningSocket("udp", "127.0.0.53", 53, "systemd-resolve", 5),
        ListeningSocket("udp", "fe80::1", 546, "systemd-network", 6),
        ListeningSocket("tcp", "10.0.0.1", 50051, "docker-proxy", 70),
        ListeningSocket("tcp", "*", 9100, "a b", 71),
        ListeningSocket("tcp", "::", 22, "", None),
    ]


def test_units() -> None:
    text = (
        "Id=docker.service\nLoadState=loaded\nActiveState=active\nSubState=running\n"
        "UnitFileState=enabled\n\nId=chrony.service\nLoadState=not-found\nActiveState=inactive\n"
    )
    assert units(text) == {
        "docker": Unit("loaded", "active", "running", "enabled"),
        "chrony": Unit("not-found", "inactive", "", ""),
    }


def test_packages() -> None:
    text = "hi  docker-ce 5:28.3\nii  containerd.io 1.7\nun  docker.io \nrc  old 1\n"
    assert packages(text) == {
        "docker-ce": InstalledPackage("5:28.3", held=True),
        "containerd.io": InstalledPackage("1.7", held=False),
    }


def test_packages_of_rpm_are_held_by_locks_on_their_versions() -> None:
    text = (
        "rpm docker-ce 3:28.5.1-1.el9\nrpm docker-ce-cli 1:28.5.1-1.el9\nrpm containerd.io 1.7-1\n"
        "# Added lock\ndocker-ce-3:28.5.1-1.el9.*\ndocker-ce-cli-1:28.3.3-1.el9.*\n"
    )
    assert packages(text) == {
        "docker-ce": InstalledPackage("3:28.5.1-1.el9", held=True),
        "docker-ce-cli": InstalledPackage("1:28.5.1-1.el9", held=False),
        "containerd.io": InstalledPackage("1.7-1", held=False),
    }


def test_statuses() -> None:
    assert statuses("1777 0 0 /tmp\n400 10001 0 /a b\n") == {
        "/tmp": PathStatus(0o1777, 0, 0),
        "/a b": PathStatus(0o400, 10001, 0),
    }
