"""Docker's packages by dnf: its key, another version, and packages that somebody else signed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.nvidia_dnf.conftest import (
    AMAZON,
    ROCKY,
    OnHost,
    Play,
    as_system,
    changes,
    keys,
    locked,
    versions,
)

pytestmark = pytest.mark.integration

TASK = "docker_engine"
ENGINE = "docker-ce docker-ce-cli"
OLD, NEW = "28.3.3-1.el9", "28.5.1-1.el9"


def test_the_newest_engine_is_installed_and_locked(
    play: Play, on_host: OnHost, fingerprint: str
) -> None:
    assert changes(play(TASK)) > 0
    assert versions(on_host, ENGINE) == {NEW}
    assert {f"docker-ce-3:{NEW}", f"docker-ce-cli-1:{NEW}"} <= locked(on_host, "docker")
    assert keys(on_host, "docker") == [fingerprint]
    source = on_host("cat /etc/yum.repos.d/docker.repo")
    assert "baseurl=http://packages.lab.test/docker/rhel/9/$basearch/stable\n" in source
    assert "gpgcheck=1\n" in source
    assert '"cdi": true' in on_host("cat /etc/docker/daemon.json")
    assert changes(play(TASK)) == 0


def test_another_version_by_a_pattern(play: Play, on_host: OnHost) -> None:
    assert play(TASK, "--check", version="28.3.*").code == 2
    refused = play(TASK, version="28.3.*")
    assert refused.code == 3, refused.shown
    assert "`allow_downgrade: true`" in refused.out
    assert versions(on_host, ENGINE) == {NEW}
    assert {f"docker-ce-3:{NEW}", f"docker-ce-cli-1:{NEW}"} <= locked(on_host, "docker")


def test_packages_signed_by_somebody_else_are_refused(
    play: Play, on_host: OnHost, server: Any
) -> None:
    on_host("dnf -y --disableplugin=versionlock remove docker-ce-cli")
    assert server.exec_run(["serve", "sign", "somebody else"]).exit_code == 0
    on_host("dnf clean all")
    ended = play(TASK)
    assert server.exec_run(["serve", "sign"]).exit_code == 0
    on_host("dnf clean all")
    assert ended.code == 3, ended.shown
    assert "a package is not signed by a key that the host trusts" in ended.out
    assert "docker-ce-cli" not in on_host("rpm -qa")
    assert changes(play(TASK)) > 0
    assert versions(on_host, ENGINE) == {NEW}


def test_amazon_linux_gets_what_docker_builds_for_centos(play: Play, on_host: OnHost) -> None:
    on_host(as_system(AMAZON))
    ended = play(TASK)
    source = on_host("cat /etc/yum.repos.d/docker.repo")
    on_host(as_system(ROCKY))
    assert changes(ended) == 1
    assert "baseurl=http://packages.lab.test/docker/centos/9/$basearch/stable\n" in source
