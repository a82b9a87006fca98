"""Plays on EC2 instances: moto says where they are, a lab host stands there."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.lab.host import LabHost
from provision.lab.lab import Lab

from ..commandline import Project
from .conftest import REGION, Account

pytestmark = pytest.mark.integration

PING = "[{hosts: aws_ec2, gather_facts: false, tasks: [{ping: }]}]"
LONG = """
- hosts: aws_ec2
  gather_facts: false
  become: true
  tasks: [{shell: touch /run/begun && sleep 60}]
"""
INVENTORY = f"""
plugin: aws_ec2
regions: [{REGION}]
hostnames: [tag:Name]
"""
# By the addresses in its tags, as a load balancer's health check would find it.
TAGGED = """
compose: {ansible_host: tags.Address, ansible_port: tags.Port | int}
"""
# What the AWS command line does with its session manager's plugin: its standard input and output
# lead to the SSH server of the instance.
STAND_IN = """#!/usr/bin/env python3
import os, select, socket, sys
expected = ["ssm", "start-session", "--target", "{instance}", "--document-name",
            "AWS-StartSSHSession", "--parameters", "portNumber=22", "--region", "eu-west-1"]
if sys.argv[1:] != expected:
    sys.exit("An error occurred (TargetNotConnected): not " + " ".join(sys.argv[1:]))
server = socket.create_connection(("127.0.0.1", {port}))
while True:
    for ready in select.select([0, server], [], [])[0]:
        data = os.read(0, 65536) if ready == 0 else server.recv(65536)
        if not data:
            sys.exit()
        server.sendall(data) if ready == 0 else os.write(1, data)
"""

Use = Callable[[str], None]


@pytest.fixture
def host(lab: Lab) -> LabHost:
    (host,) = lab.up(1, with_images=False)
    return host


@pytest.fixture
def project(host: LabHost, aws: Account, tmp_path: Path) -> Project:
    project = Project(tmp_path / "project", tmp_path / "unused")
    login = {"ansible_user": host.user, "ansible_ssh_private_key_file": str(host.key)}
    lines = "".join(f"{name}: {value}\n" for name, value in login.items())
    project.write("group_vars/aws_ec2.yml", lines)
    return project


@pytest.fixture
def use(project: Project) -> Use:
    """Return what takes options for the inventory, beside those of all tests."""

    def use(options: str) -> None:
        project.inventories = [project.write("prod.aws_ec2.yml", INVENTORY + options)]

    return use


def at_private_address(aws: Account, host: LabHost, name: str) -> str:
    """Start an instance that EC2 says is where the lab's host is."""
    ec2 = aws.client("ec2")
    block = host.private_address.rpartition(".")[0] + ".0/24"
    network = ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=network, CidrBlock=block)["Subnet"]["SubnetId"]
    return aws.start(name, SubnetId=subnet, PrivateIpAddress=host.private_address)


def tagged(aws: Account, name: str, address: str, port: int) -> str:
    return aws.start(name, tags={"Address": address, "Port": str(port)})


def test_a_play_by_what_tags_say(aws: Account, host: LabHost, project: Project, use: Use) -> None:
    use(TAGGED)
    tagged(aws, "gpu-1", host.address, host.port)
    refused = project.play(PING)
    assert refused.code == 4
    assert "its host key" in refused.shown
    done = project.play(PING, "--accept-new-host-keys")
    assert done.code == 0, done.shown
    assert done.recap() == {"gpu-1": {**done.recap()["gpu-1"], "ok": 1, "unreachable": 0}}


def test_a_private_address(aws: Account, host: LabHost, project: Project, use: Use) -> None:
    use("connect: private")
    instance = at_private_address(aws, host, "gpu-1")
    done = project.play(PING, "--accept-new-host-keys")
    assert done.code == 0, done.shown
    known = (project.directory / ".ssh" / "known_hosts").read_text().split()
    assert known[0] == instance  # and not an address that others will have
    assert project.play(PING).code == 0


def test_a_bastion(aws: Account, host: LabHost, project: Project, use: Use) -> None:
    use(f"connect: bastion {host.user}@{host.address}:{host.port}")
    at_private_address(aws, host, "gpu-1")
    done = project.play(PING, "--accept-new-host-keys")
    assert done.code == 0, done.shown
    known = (project.directory / ".ssh" / "known_hosts").read_text()
    assert f"[{host.address}]:{host.port}" in known


def test_session_manager(aws: Account, host: LabHost, project: Project, use: Use) -> None:
    use("connect: ssm")
    instance = aws.start("gpu-1")
    program = project.write("bin/aws", STAND_IN.format(instance=instance, port=host.port))
    program.chmod(0o755)
    path = project.environment["PATH"]
    project.environment["PATH"] = "/usr/bin:/bin"
    missing = project.play(PING, "--accept-new-host-keys")
    assert missing.code == 4
    assert "its proxy command failed" in missing.shown
    assert "aws ssm start-session" in missing.shown
    project.environment["PATH"] = f"{program.parent}:{path}"
    done = project.play(PING, "--accept-new-host-keys")
    assert done.code == 0, done.shown


def test_an_instance_that_was_stopped_meanwhile(
    aws: Account, host: LabHost, project: Project, use: Use
) -> None:
    use(f"{TAGGED}cache: true\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = server.getsockname()[1]  # nobody listens there once it is closed
    stays = tagged(aws, "gpu-1", host.address, host.port)
    stopped = tagged(aws, "gpu-2", "127.0.0.1", nobody)
    assert '"gpu-2"' in project.run("inventory", "--list").out
    aws.client("ec2").stop_instances(InstanceIds=[stopped])
    done = project.play(PING, "--accept-new-host-keys")
    assert done.code == 4, done.shown
    assert "connection refused" in done.shown
    assert f"its instance {stopped} is stopped" in done.shown
    assert stays not in done.shown
    again = project.play(PING, "--accept-new-host-keys")
    assert again.code == 0, again.shown
    assert list(again.recap()) == ["gpu-1"]
    aws.client("ec2").terminate_instances(InstanceIds=[stays])
    assert '"gpu-1"' in project.run("inventory", "--list").out
    assert '"gpu-1"' not in project.run("inventory", "--list", "--flush-cache").out
    assert f"stopped, left out: gpu-2 ({stopped})" in again.err


def test_an_instance_that_goes_away_during_a_run(
    aws: Account, lab: Lab, host: LabHost, project: Project, use: Use
) -> None:
    """As when the two minutes of a spot instance are over: its system shuts down under the run."""
    use(f"{TAGGED}cache: true\n")
    instance = tagged(aws, "gpu-1", host.address, host.port)
    project.write("play.yml", LONG)
    command = project.argv("play", "play.yml", "--accept-new-host-keys")
    running = subprocess.Popen(
        command, cwd=project.directory, env=project.environment, stdout=subprocess.PIPE, text=True
    )
    begun = "for i in $(seq 300); do [ -e /run/begun ] && exit; sleep 0.1; done; exit 1"
    assert lab.exec(host.name, ["sh", "-c", begun]).returncode == 0
    aws.client("ec2").terminate_instances(InstanceIds=[instance])
    lab.exec(host.name, ["systemctl", "--no-block", "poweroff"])
    shown, _ = running.communicate(timeout=90)
    assert running.returncode == 4, shown
    assert "UNREACHABLE  gpu-1" in shown
    assert "connection was lost" in shown
    assert f"its instance {instance} is terminated (Client.UserInitiatedShutdown" in shown
    assert '"gpu-1"' not in project.run("inventory", "--list").out  # the kept answer is forgotten
