"""What DESIGN promises of every service of every role, whatever the linter thinks of it."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from provision.stack.lint import collisions, lint
from provision.stack.render import ComposeProject
from tests.unit.stack.cluster import SECRETS, projects

PROJECTS = projects()
SERVICES = [
    pytest.param(service, id=f"{host}-{name}")
    for host, project in PROJECTS
    for name, service in project.services.items()
]
ROOT_ALLOWED = {"nvcr.io/nvidia/k8s/dcgm-exporter"}


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_confined(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert not service.get("privileged")
    uid = service["user"].partition(":")[0]
    assert uid.isdigit()
    if service["image"].partition(":")[0] not in ROOT_ALLOWED:
        assert uid != "0"
        assert "cap_add" not in service


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_limited_and_comes_back(service: dict[str, Any]) -> None:
    assert service["mem_limit"]
    assert service["memswap_limit"] == service["mem_limit"]
    assert "cpus" in service
    assert service["pids_limit"] > 0
    assert service["logging"]["options"]["max-size"]
    assert service["logging"]["options"]["max-file"]
    assert service["restart"] == "unless-stopped"
    assert service["stop_grace_period"]
    assert "healthcheck" in service or service["x-allow"]["healthcheck"]
    assert service["labels"]["io.provision.role"]


@pytest.mark.parametrize("service", SERVICES)
def test_ports_are_published_on_a_private_address_only(service: dict[str, Any]) -> None:
    for port in service.get("ports", []):
        address = ipaddress.ip_address(port["host_ip"])
        assert address.is_private
        assert not address.is_unspecified
        assert port["target"] != 6379


@pytest.mark.parametrize(("host", "project"), PROJECTS)
def test_no_secret_leaves_its_file(host: str, project: ComposeProject) -> None:
    open_text = project.text + "".join(f.content for f in project.files if not f.secret)
    for secret in SECRETS:
        assert secret not in open_text
    for file in project.files:
        assert file.mode & 0o022 == 0
        if file.secret:
            assert file.mode == 0o400
            assert file.owner is not None


def test_all_secrets_are_rendered_somewhere() -> None:
    """So that the test above cannot pass by their absence."""
    hidden = "".join(f.content for _, project in PROJECTS for f in project.files if f.secret)
    for secret in SECRETS:
        assert secret in hidden


@pytest.mark.parametrize(("host", "project"), PROJECTS)
def test_shipped_templates_pass_the_linter(host: str, project: ComposeProject) -> None:
    assert lint(project) == []


def test_no_host_publishes_a_port_twice() -> None:
    for host in {host for host, _ in PROJECTS}:
        assert collisions(project for name, project in PROJECTS if name == host) == []
