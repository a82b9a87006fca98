"""Facts out of described files; the integration tests hold them beside Ansible's own."""

from __future__ import annotations

from typing import Any

import pytest

from provision.agent.facts.distribution import distribution
from provision.agent.facts.docker import docker
from provision.agent.facts.hardware import hardware, mounts, nvidia
from provision.agent.facts.network import listeners, network
from provision.agent.facts.software import software
from provision.agent.resources.facts import Facts
from tests.unit.agent.described import DescribedSystem


def system(files: dict[str, Any] | None = None, **parts: Any) -> DescribedSystem:
    return DescribedSystem({"files": files or {}, **parts})


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {
                "/etc/os-release": 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n',
                "/etc/debian_version": "13.1\n",
                "/usr/bin/apt-get": "",
            },
            ("Debian", "13.1", "13", "trixie", "Debian", "apt"),
        ),
        (
            {
                "/etc/os-release": "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=24.04\n"
                "VERSION_CODENAME=noble\n",
                "/etc/debian_version": "trixie/sid\n",
            },
            ("Ubuntu", "24.04", "24", "noble", "Debian", "unknown"),
        ),
        (
            {
                "/etc/os-release": 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n'
                'VERSION="9.4 (Blue Onyx)"\n',
                "/usr/bin/dnf": "",
            },
            ("Rocky", "9.4", "9", "Blue Onyx", "RedHat", "dnf"),
        ),
        (
            {"/etc/os-release": 'ID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\n'},
            ("Amazon", "2023", "2023", "NA", "RedHat", "unknown"),
        ),
        ({}, ("Linux", "NA", "NA", "NA", "Linux", "unknown")),
    ],
)
def test_distributions_have_ansibles_names(files: dict[str, Any], expected: tuple[str]) -> None:
    facts = distribution(system(files))
    keys = ("distribution", "distribution_version", "distribution_major_version")
    keys += ("distribution_release", "os_family", "pkg_mgr")
    assert tuple(facts["ansible_" + key] for key in keys) == expected


def test_the_default_route_with_the_lowest_metric_tells_the_address() -> None:
    route = (
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "wlan0 00000000 0100A8C0 0003 0 0 600 00000000 0 0 0\n"
        "eth0 00000000 0100D50A 0003 0 0 100 00000000 0 0 0\n"
        "eth0 0000D50A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n"
    )
    host = system(
        {
            "/proc/net/route": route,
            "/sys/class/net/eth0/flags": "0x1003\n",
            "/sys/class/net/eth0/mtu": "9001\n",
            "/sys/class/net/eth0/address": "02:42:0a:d5:00:0b\n",
            "/etc/hosts": "127.0.0.1 localhost\n10.213.0.11 gpu-01.example.org gpu-01\n",
        },
        nodename="gpu-01",
        addresses={"eth0": ["10.213.0.11", "255.255.240.0"]},
    )
    facts = network(host)
    assert facts["ansible_default_ipv4"] == {
        "interface": "eth0",
        "alias": "eth0",
        "gateway": "10.213.0.1",
        "address": "10.213.0.11",
        "netmask": "255.255.240.0",
        "network": "10.213.0.0",
        "broadcast": "10.213.15.255",
        "prefix": "20",
        "mtu": 9001,
        "macaddress": "02:42:0a:d5:00:0b",
    }
    assert facts["ansible_fqdn"] == "gpu-01.example.org"
    assert facts["ansible_domain"] == "example.org"
    assert facts["ansible_eth0"]["active"] is True


def test_a_host_without_a_network_has_facts() -> None:
    facts = network(system())
    assert facts["ansible_default_ipv4"] == {}
    assert facts["ansible_all_ipv4_addresses"] == []


def test_ipv6_addresses_are_written_as_people_write_them() -> None:
    lines = (
        "00000000000000000000000000000001 01 80 10 80 lo\n"
        "fe80000000000000004228fffe1234ab 02 40 20 80 eth0\n"
        "20010db8000100000000000100000001 02 40 00 80 eth0\n"
    )
    found = network(system({"/proc/net/if_inet6": lines}))["ansible_all_ipv6_addresses"]
    assert found == ["fe80::42:28ff:fe12:34ab", "2001:db8:1::1:0:1"]


def test_only_what_listens_counts() -> None:
    head = "  sl  local_address rem_address   st\n"
    tcp = head + "   0: 00000000:0016 00000000:0000 0A 0\n   1: 0100007F:C350 0100007F:0016 01 0\n"
    tcp += "   2: 0B00D50A:C383 00000000:0000 0A 0\n"
    tcp6 = head + "   0: 00000000000000000000000000000000:0016 0:0000 0A 0\n"
    tcp6 += "   1: 0000000000000000FFFF00000C00D50A:C383 0:0000 0A 0\n"
    tcp6 += "   2: B80D0120000000000000000001000000:C383 0:0000 0A 0\n"
    found = listeners(system({"/proc/net/tcp": tcp, "/proc/net/tcp6": tcp6}))
    assert [(listener["address"], listener["port"]) for listener in found] == [
        ("0.0.0.0", 22),
        ("::", 22),
        ("10.213.0.11", 50051),
        ("10.213.0.12", 50051),
        ("2001:db8::1", 50051),
    ]


def test_mounts_leave_out_what_has_no_disk_and_do_not_ask_remote_ones() -> None:
    table = (
        "proc /proc proc rw 0 0\n"
        "/dev/vda1 / ext4 rw,relatime 0 0\n"
        "/dev/vdb /mnt/my\\040data xfs rw 0 0\n"
        "nas:/export /mnt/nas nfs4 rw 0 0\n"
    )
    host = system({"/proc/mounts": table}, disks={"/": 100, "/mnt/my data": 7, "/mnt/nas": 1})
    found = {mount["mount"]: mount.get("size_available") for mount in mounts(host)}
    assert found == {"/": 100, "/mnt/my data": 7, "/mnt/nas": None}


def test_nvidia_devices_are_found_by_their_vendor() -> None:
    gpu, switch, other = (f"/sys/bus/pci/devices/0000:0{n}:00.0/" for n in (1, 2, 3))
    files = {
        gpu + "vendor": "0x10de\n",
        gpu + "device": "0x2237\n",
        gpu + "class": "0x030200\n",
        switch + "vendor": "0x10de\n",
        switch + "device": "0x22a3\n",
        switch + "class": "0x068000\n",
        other + "vendor": "0x8086\n",
        "/sys/module/nvidia/version": "570.172.08\n",
    }
    found = nvidia(system(files))
    assert [(d["device"], d["class"]) for d in found["devices"]] == [
        ("0x2237", "0x030200"),
        ("0x22a3", "0x068000"),
    ]
    assert found["driver"] == "570.172.08"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/proc/1/cgroup": "1:name=systemd:/docker/0a1b\n"}, ("docker", "guest")),
        ({"/run/systemd/container": "docker"}, ("container", "guest")),
        ({"/sys/class/dmi/id/sys_vendor": "Amazon EC2\n"}, ("kvm", "guest")),
        ({"/sys/class/dmi/id/sys_vendor": "Supermicro\n"}, ("NA", "NA")),
        ({"/sys/module/kvm/refcnt": "0"}, ("kvm", "host")),
    ],
)
def test_kinds_of_machines(files: dict[str, str], expected: tuple[str, str]) -> None:
    facts = hardware(system(files))
    kind, role = (facts["ansible_virtualization_" + part] for part in ("type", "role"))
    assert (kind, role) == expected


def test_docker_is_asked_for_its_version_and_containers_where_it_runs() -> None:
    path = "/var/run/docker.sock"
    files = {
        path: "",
        "/usr/sbin/dockerd": "",
        "/usr/libexec/docker/cli-plugins/docker-compose": "",
    }
    container = {
        "Names": ["/generals-game-server-game-1"],
        "Labels": {"com.docker.compose.project": "generals-game-server"},
        "State": "running",
        "Ports": [
            {"IP": "10.0.0.1", "PrivatePort": 50051, "PublicPort": 50051, "Type": "tcp"},
            {"PrivatePort": 9100, "Type": "tcp"},
            {"IP": "10.0.0.1", "PrivatePort": 53, "PublicPort": 53, "Type": "udp"},
        ],
    }
    other = {"Names": ["/mine"], "Labels": None, "State": "exited", "Ports": []}
    bare = {"PrivatePort": 80, "PublicPort": 81, "Type": "tcp"}  # the API leaves out what is empty
    third = {"Names": ["/everywhere"], "State": "running", "Ports": [bare]}
    ping = {"headers": ["Server: Docker/26.1.5 (linux)"]}
    answers = {"GET /_ping": ping, "GET /containers/json": {"json": [container, other, third]}}
    (found,) = docker(system(files, sockets={path: answers})).values()
    assert found == {
        "installed": True,
        "version": "26.1.5",
        "compose": True,
        "containers": [
            {
                "name": "generals-game-server-game-1",
                "project": "generals-game-server",
                "state": "running",
                "listeners": [{"address": "10.0.0.1", "port": 50051}],
            },
            {"name": "mine", "project": "", "state": "exited", "listeners": []},
            {
                "name": "everywhere",
                "project": "",
                "state": "running",
                "listeners": [{"address": "", "port": 81}],
            },
        ],
    }


def test_a_docker_that_does_not_answer_is_not_one_without_containers() -> None:
    path = "/var/run/docker.sock"
    unknown = {"compose": False, "version": None, "containers": None}
    for files, installed in (({path: "", "/usr/sbin/dockerd": ""}, True), ({}, False)):
        assert docker(system(files)) == {"provision_docker": {**unknown, "installed": installed}}


def test_the_clock_is_only_called_unsynchronized_where_that_is_known() -> None:
    synchronized = [
        software(system(files))["provision_clock"]["synchronized"]
        for files in (
            {"/run/systemd/timesync/synchronized": ""},
            {"/run/chrony/chronyd.pid": "7"},
            {},
        )
    ]
    assert synchronized == [True, None, False]


def test_an_empty_host_still_answers() -> None:
    assert Facts().answer(system())["ansible_system"] == "Linux"
