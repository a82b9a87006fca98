from __future__ import annotations

import docker
import pytest

from provision.errors import UsageError
from provision.lab.lab import Lab
from provision.lab.variant import SUDO_PASSWORD, Variant

from .conftest import Login

pytestmark = pytest.mark.integration


def test_a_host_is_a_booted_bare_debian_reached_by_ssh(lab: Lab, login: Login) -> None:
    host = lab.host("h1")
    done = login(
        host,
        "id -un; sudo -n id -u; systemctl is-system-running; . /etc/os-release; echo $ID"
        "; python3 -c 'print(1)'; command -v docker || echo no docker; hostname",
    )
    assert done.stdout.split("\n")[:-1] == [
        *("ops", "0", "running", "debian", "1", "no docker", "h1"),
    ]
    assert done.stderr == ""


def test_up_again_keeps_the_host_and_what_is_on_it(lab: Lab, login: Login) -> None:
    before = lab.container("h1").id
    login(lab.host("h1"), "touch kept")
    said: list[str] = []
    again = Lab(lab.name, lab.credentials.directory, say=said.append)
    assert [host.name for host in again.up(with_images=False)] == ["h1"]
    assert lab.container("h1").id == before
    assert login(lab.host("h1"), "ls").stdout == "kept\n"
    assert said == []


@pytest.mark.parametrize("fault", ["pause", "stop", "kill"])
def test_up_brings_a_host_back_from_whatever_state(lab: Lab, login: Login, fault: str) -> None:
    container = lab.container("h1")
    container.stop(timeout=10) if fault == "stop" else getattr(container, fault)()
    lab.up(with_images=False)
    assert lab.container("h1").id == container.id
    assert login(lab.host("h1"), "systemctl is-system-running").stdout == "running\n"


def test_a_reboot_comes_back_as_another_boot(lab: Lab, login: Login) -> None:
    host = lab.host("h1")
    boot = "cat /proc/sys/kernel/random/boot_id"
    before = login(host, boot).stdout
    login(host, "sudo systemctl reboot")
    lab.container("h1").wait(timeout=30, condition="not-running")
    lab.up(with_images=False)
    after = login(host, boot).stdout
    assert len(before) == len(after) == 37
    assert before != after


def test_a_reset_host_is_bare_and_has_a_new_key(lab: Lab, login: Login) -> None:
    old = lab.credentials.known_hosts.read_text()
    login(lab.host("h1"), "touch mine; sudo touch /var/lib/docker/layer")
    host = lab.reset("h1")
    assert login(host, "ls; sudo ls /var/lib/docker").stdout == ""
    assert lab.credentials.known_hosts.read_text() != old


def test_variants_differ_in_what_they_say(lab: Lab, login: Login) -> None:
    host = lab.reset("h1", variant=Variant.SUDO_PASSWORD)
    assert login(host, "sudo -n true").returncode != 0
    assert login(host, "sudo -S -p '' id -u", stdin=f"{SUDO_PASSWORD}\n").stdout == "0\n"

    host = lab.reset("h1", variant=Variant.NO_PYTHON)
    assert login(host, "command -v python3").returncode != 0
    assert login(host, "sudo -n true").returncode == 0


def test_commands_out_of_band_work_without_sshd(lab: Lab) -> None:
    lab.exec("h1", ["systemctl", "stop", "ssh"])
    done = lab.exec("h1", ["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert lab.exec("h1", ["sleep", "30"], timeout=0.2).returncode == 124
    much = lab.exec("h1", ["sh", "-c", "yes | head -c 3000000 | tee /dev/stderr"])
    assert (len(much.stdout), much.stdout) == (3_000_000, much.stderr)
    lab.exec("h1", ["systemctl", "start", "ssh"])


def test_hosts_know_each_other_by_name_and_surplus_ones_go(lab: Lab, login: Login) -> None:
    first, second = lab.up(2, with_images=False)
    assert second.private_address in login(first, "getent hosts h2.lab.test").stdout
    assert login(first, f"ping -c 1 -W 5 {second.private_address}").returncode == 0
    assert lab.status() == {"h1": "running", "h2": "running"}
    assert [host.name for host in lab.up(1, with_images=False)] == ["h1"]
    assert lab.status() == {"h1": "running"}
    with pytest.raises(UsageError, match="no lab host is called 'h2'"):
        lab.host("h2")


def test_apt_works_and_nested_containers_are_hardened(lab: Lab, login: Login) -> None:
    """A host can become what the stack needs: Docker with every limit of a hardened service."""
    host = lab.reset("h1")
    install = (
        "sudo apt-get update -q && sudo DEBIAN_FRONTEND=noninteractive"
        " apt-get install -qq --no-install-recommends docker.io docker-cli busybox-static"
    )
    assert login(host, install, timeout=300).returncode == 0
    hardened = (
        "--memory 64m --cpus 0.5 --pids-limit 50 --read-only --tmpfs /tmp --cap-drop ALL --init"
        " --security-opt no-new-privileges:true --user 65534:65534"
    )
    login(host, "tar -C /usr/bin -c busybox | sudo docker import - tiny")
    limit = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max"  # v1, v2
    done = login(
        host, f"sudo docker run --rm {hardened} tiny /busybox sh -c '{limit}; id -u; touch /x'"
    )
    assert done.stdout.split() == [str(64 * 2**20), "65534"]
    assert "Read-only file system" in done.stderr


def test_the_machines_own_docker_is_not_seen_by_a_host(
    lab: Lab, login: Login, client: docker.DockerClient
) -> None:
    assert client.containers.list()
    assert login(lab.host("h1"), "sudo docker ps -q").stdout == ""
