"""Names, interfaces, addresses, and where something listens."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from provision.agent.system import System

_LISTEN = "0A"  # TCP_LISTEN, include/net/tcp_states.h
_UP_GATEWAY = 0x3  # RTF_UP | RTF_GATEWAY, include/uapi/linux/route.h
_UP, _LOOPBACK = 0x1, 0x8  # IFF_UP, IFF_LOOPBACK, include/uapi/linux/if.h
_MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address on an IPv6 socket, RFC 4291, 2.5.5.2
_LOOPBACK_V6 = "0" * 31 + "1"


def network(system: System) -> Dict[str, Any]:
    """Return what Ansible's ``network`` subset has that playbooks use, and the open TCP ports."""
    nodename = system.uname().nodename
    fqdn = _fqdn(system, nodename)
    interfaces = [name for name in system.listdir("/sys/class/net") if name != "bonding_masters"]
    details = {name: _interface(system, name) for name in interfaces}
    return {
        "ansible_nodename": nodename,
        "ansible_hostname": nodename.split(".")[0],
        "ansible_fqdn": fqdn,
        "ansible_domain": fqdn.partition(".")[2],
        "ansible_interfaces": interfaces,
        "ansible_default_ipv4": _default(system, details),
        "ansible_all_ipv4_addresses": _ipv4_addresses(system),
        "ansible_all_ipv6_addresses": _ipv6_addresses(system),
        "provision_listeners": listeners(system),
        **{"ansible_" + re.sub(r"[^\w]", "_", name): it for name, it in details.items()},
    }


def listeners(system: System) -> List[Dict[str, Any]]:
    """Return the ``address`` and TCP ``port`` of all that something on the host listens on."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (system.read_text(table) or "").splitlines()[1:]:
            fields = line.split(None, 4)
            if fields[3] == _LISTEN:
                address, _, port = fields[1].partition(":")
                found.add((int(port, 16), _readable(address)))
    return [{"address": address, "port": port} for port, address in sorted(found)]


def _readable(digits: str) -> str:
    """Return an address out of /proc/net/tcp: words of four bytes, each in the host's order."""
    words = (digits[at : at + 8] for at in range(0, len(digits), 8))
    octets = b"".join(bytes.fromhex(word)[::-1] for word in words)
    if octets.startswith(_MAPPED):
        octets = octets[len(_MAPPED) :]
    if len(octets) == 4:  # noqa: PLR2004 - IPv4
        return ".".join(map(str, octets))
    return _compressed(octets.hex())


def _fqdn(system: System, nodename: str) -> str:
    """Return the full name that /etc/hosts has; asking a name server could take seconds."""
    if "." in nodename:
        return nodename
    for line in (system.read_text("/etc/hosts") or "").splitlines():
        names = line.partition("#")[0].split()[1:]
        if nodename in names:
            return names[0]
    return nodename


def _interface(system: System, name: str) -> Dict[str, Any]:
    path = "/sys/class/net/{}/".format(name)
    flags = int((system.read_text(path + "flags") or "0").strip(), 16)
    details: Dict[str, Any] = {
        "device": name,
        "active": bool(flags & _UP),
        "mtu": int(system.read_text(path + "mtu") or 0),
    }
    if not flags & _LOOPBACK:
        details["macaddress"] = (system.read_text(path + "address") or "").strip()
    address = system.interface_address(name)
    if address is not None:
        details["ipv4"] = _ipv4(*address)
    return details


def _ipv4(address: str, netmask: str) -> Dict[str, Any]:
    host, mask = _number(address), _number(netmask)
    return {
        "address": address,
        "netmask": netmask,
        "network": _dotted(host & mask),
        "broadcast": _dotted(host | ~mask & 0xFFFFFFFF),
        "prefix": str(bin(mask).count("1")),
    }


def _default(system: System, details: Dict[str, Dict[str, Any]]) -> Dict[str, Any]:
    """Return the interface of the default route with the lowest metric."""
    routes = []
    for line in (system.read_text("/proc/net/route") or "").splitlines()[1:]:
        name, destination, gateway, flags, _, _, metric, mask = line.split()[:8]
        if destination == mask == "00000000" and int(flags, 16) & _UP_GATEWAY == _UP_GATEWAY:
            routes.append((int(metric), name, gateway))
    if not routes:
        return {}
    _, name, gateway = min(routes)
    interface = details.get(name, {})
    found = {key: interface.get(key) for key in ("mtu", "macaddress")}
    address = ".".join(map(str, bytes.fromhex(gateway)[::-1]))  # in the host's byte order
    route = {"interface": name, "alias": name, "gateway": address}
    return {**route, **interface.get("ipv4", {}), **found}


def _ipv4_addresses(system: System) -> List[str]:
    """Return the host's own addresses out of the kernel's routing tree, less loopback."""
    tree = system.read_text("/proc/net/fib_trie") or ""
    found = re.findall(r"\|-- (\S+)\n +/32 host LOCAL", tree)
    return [address for address in dict.fromkeys(found) if not address.startswith("127.")]


def _ipv6_addresses(system: System) -> List[str]:
    lines = (system.read_text("/proc/net/if_inet6") or "").splitlines()
    numbers = (line.split()[0] for line in lines)
    return [_compressed(number) for number in numbers if number != _LOOPBACK_V6]


def _compressed(digits: str) -> str:
    """Write 32 hexadecimal digits as RFC 5952 says, the longest run of zeros left out."""
    text = ":".join("{:x}".format(int(digits[at : at + 4], 16)) for at in range(0, 32, 4))
    zeros: List[str] = [match.group() for match in re.finditer(r"(?:^|:)0(?::0)+(?=:|$)", text)]
    longest: Optional[str] = max(zeros, key=len, default=None)
    if longest is None:
        return text
    before, _, after = text.partition(longest)
    return "{}::{}".format(before, after.lstrip(":"))


def _number(dotted: str) -> int:
    return int.from_bytes(bytes(map(int, dotted.split("."))), "big")


def _dotted(number: int) -> str:
    return ".".join(map(str, number.to_bytes(4, "big")))
