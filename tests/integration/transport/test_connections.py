"""Many connections, lost connections, and what is left of them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from provision.agent.resources.command import Command
from provision.agent.resources.execute import Execute
from provision.engine.events import EventBus
from provision.engine.fleet import Fleet
from provision.engine.link import HostLink
from provision.engine.options import RunOptions
from provision.errors import UnreachableError
from provision.inventory.inventory import Inventory
from provision.transport import liveness
from provision.transport.connection import connect
from provision.transport.endpoint import Endpoint

from .asking import LONG, ask, until
from .conftest import Link, Servers

pytestmark = pytest.mark.integration


def test_one_connection_and_a_channel_for_each_user(servers: Servers, link: Link) -> None:
    endpoint = servers.start("MaxSessions 3", "PerSourcePenalties no")
    opened = link(endpoint)
    for _ in range(5):
        for user in (None, "root", "noisy"):
            ask(opened, "true", become=user)
    assert servers.connections(endpoint) == 1
    with pytest.raises(UnreachableError, match="no agent could be started"):
        ask(opened, "true", become="asked")


def test_small_messages_are_not_held_back(servers: Servers, link: Link) -> None:
    opened = link(servers.start())
    sock = opened.connection.sock
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_thirty_at_a_time_against_max_startups(servers: Servers) -> None:
    endpoint = servers.start("MaxStartups 2:50:10", "PerSourcePenalties no")
    with ThreadPoolExecutor(30) as pool:
        for connection in list(pool.map(connect, [endpoint] * 30)):
            connection.close()


def test_sixty_hosts(servers: Servers, tmp_path: Path) -> None:
    """With the default number of forks, and host keys accepted by all of them at once."""
    endpoint = servers.start()
    ports = range(4001, 4061)
    servers.run(
        f"for port in $(seq {ports[0]} {ports[-1]}); do"
        f' sed "s/^Port .*/Port $port/; s/{endpoint.port}.pid/$port.pid/"'
        f" /etc/ssh/test-{endpoint.port} > /etc/ssh/test-$port;"
        " /usr/sbin/sshd -f /etc/ssh/test-$port; done"
    )
    hosts = "".join(f"    n{port}: {{ansible_port: {port}}}\n" for port in ports)
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(
        f"all:\n  vars:\n    ansible_host: {endpoint.address}\n    ansible_user: ops\n"
        f"    ansible_ssh_private_key_file: {servers.host.key}\n  hosts:\n{hosts}"
    )
    before = threading.active_count(), _descriptors()
    fleet = Fleet(
        Inventory.load([str(inventory)]), RunOptions(accept_new_host_keys=True), EventBus()
    )
    said: dict[str, str] = {}

    def work(host: str) -> None:
        said[host] = ask(fleet.link(host), f"echo {host}")

    fleet.run(fleet.inventory.hosts, work)
    fleet.close()
    assert fleet.lost == {}
    assert said == {f"n{port}": f"n{port}" for port in ports}
    known = (Path.home() / ".ssh" / "known_hosts").read_text().splitlines()
    assert len(known) == len(set(known)) == 60
    assert until(lambda: (threading.active_count(), _descriptors()) == before)


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("fault", ["none", "login", "host key", "refused", "sudo", "jump"])
def test_nothing_is_left(servers: Servers, link: Link, fault: str) -> None:
    endpoint = servers.start()
    ask(link(endpoint), "true")  # whatever is loaded or started once
    link_before = threading.active_count(), _descriptors()
    broken = {
        "none": endpoint,
        "login": replace(endpoint, user="nobody-here"),
        "host key": replace(endpoint, known_hosts=()),
        "refused": replace(endpoint, port=1, known_hosts=()),
        "sudo": replace(endpoint, user="stranger"),
        "jump": replace(endpoint, jump=f"ops@{endpoint.address}:{endpoint.port}", port=1),
    }[fault]
    for _ in range(3):
        opened = HostLink(broken, install_python=False)
        try:
            ask(opened, "true", become="root")
        except UnreachableError:
            assert fault != "none"
        else:
            assert fault == "none"
        opened.close()
    assert until(lambda: (threading.active_count(), _descriptors()) == link_before)


def test_nobody_listens(servers: Servers, link: Link) -> None:
    with pytest.raises(UnreachableError, match="connection refused") as caught:
        ask(link(servers.start(), port=1), "id")
    assert "is sshd running" in (caught.value.hint or "")


def test_name_that_does_not_resolve(servers: Servers, link: Link) -> None:
    with pytest.raises(UnreachableError, match=r"the name no\.invalid does not resolve"):
        ask(link(servers.start(), address="no.invalid"), "id")


def test_connect_timeout(servers: Servers, link: Link) -> None:
    endpoint = servers.start()
    servers.run(f"iptables -I INPUT -p tcp --dport {endpoint.port} -j DROP")
    try:
        started = time.monotonic()
        with pytest.raises(UnreachableError, match="no answer in time"):
            ask(link(endpoint, connect_timeout=2), "id")
        assert time.monotonic() - started < 5
    finally:
        servers.run(f"iptables -D INPUT -p tcp --dport {endpoint.port} -j DROP")


def test_server_that_says_nothing(servers: Servers, link: Link) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(UnreachableError, match="no answer in time"):
            ask(link(servers.start(), address="127.0.0.1", port=port, connect_timeout=2), "id")
        assert time.monotonic() - started < 8


def test_silence_is_noticed_within_forty_seconds() -> None:
    assert liveness.ASK_EVERY + liveness.GIVE_UP_AFTER <= 40


def _dropped(servers: Servers, endpoint: Endpoint) -> Callable[[], None]:
    """Drop the packets to a server, as a pulled cable would."""
    rule = f"-p tcp --dport {endpoint.port} -j DROP"
    servers.run(f"iptables -I INPUT {rule}")
    return lambda: servers.run(f"iptables -D INPUT {rule}") and None


def _frozen(servers: Servers, endpoint: Endpoint) -> Callable[[], None]:
    """Freeze a server's sessions; the kernel still acknowledges what comes."""
    pids = servers.run(f"ss -Htnp state established '( sport = :{endpoint.port} )'")
    numbers = {part.split(",")[0] for part in pids.split("pid=")[1:]}
    for number in numbers:
        servers.run(f"kill -STOP {number}")
    return lambda: [servers.run(f"kill -CONT {number}") for number in numbers] and None


@pytest.mark.parametrize("fault", [_dropped, _frozen])
def test_silent_host_is_noticed(
    servers: Servers, link: Link, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., Callable]
) -> None:
    monkeypatch.setattr(liveness, "ASK_EVERY", 1)
    monkeypatch.setattr(liveness, "GIVE_UP_AFTER", 3)
    endpoint = servers.start()
    opened = link(endpoint)
    ask(opened, "true")
    time.sleep(5)  # answers keep a connection alive that has nothing to do
    channel = opened.channel(None)
    futures = [channel.submit(Execute(command="sleep 30")) for _ in range(2)]
    channel.flush()
    repair = fault(servers, endpoint)
    try:
        started = time.monotonic()
        for future in futures:
            with pytest.raises(UnreachableError, match="the connection was lost during execute"):
                future.result(LONG)
        assert time.monotonic() - started < 10
    finally:
        repair()


def _agents(servers: Servers) -> set[str]:
    return set(servers.run("pgrep -f '[-]I -S -X utf8' || true").split())


def test_agent_finishes_what_it_does_when_the_connection_is_cut(
    servers: Servers, link: Link
) -> None:
    endpoint = servers.start()
    others = _agents(servers)  # those of the tests before have sleeps to finish
    channel = link(endpoint).channel("root")
    running = channel.submit(Command(shell="touch /tmp/begun; sleep 3; touch /tmp/finished"))
    waiting = channel.submit(Command(shell="touch /tmp/never"))
    servers.run("rm -f /tmp/begun /tmp/finished /tmp/never")
    channel.flush()
    assert until(lambda: "begun" in servers.run("ls /tmp"))
    servers.run("pkill -KILL -x sshd-session")
    for future in (running, waiting):
        with pytest.raises(UnreachableError, match="connection was lost during command"):
            future.result(LONG)
    with pytest.raises(UnreachableError):
        channel.submit(Execute(command="true")).result(LONG)
    assert until(lambda: "finished" in servers.run("ls /tmp"))
    assert until(lambda: not _agents(servers) - others)
    assert "never" not in servers.run("ls /tmp")


def test_cancel_ends_the_program_on_the_host(servers: Servers, link: Link) -> None:
    opened = link(servers.start())
    channel = opened.channel("root")
    running = channel.submit(Command(shell="sleep 61 & sleep 61"))
    waiting = channel.submit(Execute(command="true"))
    channel.flush()
    assert until(lambda: servers.run("pgrep -cfx 'sleep 61' || true").strip() == "2")
    opened.cancel()
    assert running.result(LONG).status == "cancelled"
    assert waiting.result(LONG).status == "not_run"
    assert servers.run("pgrep -fx 'sleep 61' || true") == ""


def test_floods(servers: Servers, link: Link) -> None:
    """More than the connection's windows hold, on both streams of program and channel."""
    opened = link(servers.start(), user="noisy")
    servers.run("cp /home/noisy/.bashrc /tmp/saved")
    servers.run("echo 'head -c 3000000 /dev/zero >&2' > /home/noisy/.bashrc")
    try:
        assert ask(opened, "echo fine") == "fine"
    finally:
        servers.run("cp /tmp/saved /home/noisy/.bashrc")
    assert ask(opened, "head -c 3000000 /dev/zero | tr '\\0' e >&2; echo fine") == "fine"
    assert len(ask(opened, "head -c 5000000 /dev/zero | tr '\\0' o")) == 5_000_000


def test_this_machine(link: Link) -> None:
    local = Endpoint(name="localhost", address="localhost", connection="local")
    assert ask(link(local), "id -u", become=None) == ask(link(local), "id -u")
