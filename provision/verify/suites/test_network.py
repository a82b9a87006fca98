"""Network exposure: what can be reached from outside is what was declared."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from testinfra.host import Host

from provision.verify.demand import demand
from provision.verify.node import Node
from provision.verify.questions import Questions
from provision.verify.reading import LISTENING, ListeningSocket, listening

_EVERYWHERE = {"*", "0.0.0.0", "::"}  # noqa: S104
_LOGIN = {"sshd", "systemd"}  # the way in; systemd holds the socket where sshd starts on demand
_LOGIN_PORT = 22
_DHCP_CLIENT = {68, 546}
_FIRST_EPHEMERAL = 32768  # UDP above it is mostly a client that waits for its answer


def questions(node: Node) -> Questions:
    """Return what is asked of every host."""
    return Questions(commands=(LISTENING,), containers=True)


def test_exposed(host: Host, node: Node) -> None:
    """Nothing listens on a public address that was not declared."""
    answer = host.run(LISTENING)
    demand("an answer of `ss`", found=[answer.stderr] if answer.rc else [], todo="Install iproute2")
    exposed = [it for it in listening(answer.stdout) if _is_public(it.address)]
    undeclared = [it for it in exposed if not _is_declared(it, node)]
    if undeclared:
        members = _members_of_host_network(host, node, undeclared)
        undeclared = [it for it in undeclared if it.pid not in members]
    demand(
        "on public addresses only SSH and what the templates publish",
        found=[_told(it) for it in undeclared],
        todo="Bind it to a private address, stop it, or add its port to `open_ports`",
    )


def _is_public(address: str) -> bool:
    """Tell whether strangers may get there; what listens everywhere also has every address."""
    return address in _EVERYWHERE or ip_address(address).is_global


def _is_declared(socket: ListeningSocket, node: Node) -> bool:
    if socket.protocol == "udp":
        if socket.port in _DHCP_CLIENT or socket.port >= _FIRST_EPHEMERAL:
            return True
    elif socket.program in _LOGIN or socket.port == _LOGIN_PORT:
        return True
    opened = {int(port) for port in node.variables.get("open_ports") or ()}
    published = {pair for service in node.services for pair in service.published}
    return socket.port in opened or any(
        port == socket.port and (address == socket.address or _are_all(address, socket.address))
        for address, port in published
    )


def _are_all(*addresses: str) -> bool:
    return set(addresses) <= _EVERYWHERE


def _members_of_host_network(
    host: Host, node: Node, sockets: Iterable[ListeningSocket]
) -> set[int | None]:
    """Return the processes of containers that are on the host's network with a reason."""
    ids = [
        container.id
        for service in node.services
        if service.allows("host-network")
        for container in node.containers_of(service)
    ]
    found: set[int | None] = set()
    for pid in {it.pid for it in sockets if it.pid is not None} if ids else ():
        group = host.run(f"cat /proc/{pid}/cgroup").stdout
        if any(number in group for number in ids):
            found.add(pid)
    return found


def _told(socket: ListeningSocket) -> str:
    address = f"[{socket.address}]" if ":" in socket.address else socket.address
    program = socket.program or "an unknown program"
    return f"{program} on {socket.protocol} {address}:{socket.port}"


def test_published(node: Node) -> None:
    """Containers publish exactly the ports that the templates name, at the addresses they name."""
    found = []
    for service in node.services:
        for container in node.containers_of(service):
            if container.condition not in ("healthy", "running"):
                continue  # it has no ports while it is down, and another check tells
            for address, port in sorted(container.published ^ service.published):
                word = "publishes" if (address, port) in container.published else "does not publish"
                found.append(f"{container.name} {word} {address}:{port}")
    demand("ports published as rendered", found=found, todo="Deploy to bring it up to date")


def test_strangers(node: Node) -> None:
    """No container that is not ours publishes a port to everybody."""
    ours = {service.project.name for service in node.services}
    opened = {int(port) for port in node.variables.get("open_ports") or ()}
    found = [
        f"{container.name} publishes {address}:{port}"
        for container in node.containers
        if container.project not in ours
        for address, port in sorted(container.published)
        if _is_public(address) and port not in opened
    ]
    demand(
        "ports bound to private addresses (Docker's ports bypass ufw and firewalld)",
        found=found,
        todo="Publish it as PRIVATE_ADDRESS:PORT:PORT, or add its port to `open_ports`",
    )
