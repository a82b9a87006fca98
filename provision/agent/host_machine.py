"""The host as a machine: its sockets, network, kernel and disks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Optional, Tuple, Union

if TYPE_CHECKING:
    from _socket import socket

_SIOCGIFADDR, _SIOCGIFNETMASK = 0x8915, 0x891B  # include/uapi/linux/sockios.h


class Disk(NamedTuple):
    """The space of a file system; what only root may use does not count as available."""

    total: int  # bytes
    available: int
    inodes: int  # 0 where the file system has no such limit
    inodes_available: int


class Machine:
    """What the operating system says."""

    def connect(self, address: Union[str, Tuple[str, int]], timeout: float) -> socket:
        """Return a connection to a Unix socket's path, or to a host and port over TCP.

        ``timeout`` (seconds) is for connecting, and for each later send and receive.

        Raises:
            OSError: as the operating system says.

        """
        if isinstance(address, tuple):
            from socket import create_connection  # noqa: PLC0415 - costs 10 ms

            return create_connection(address, timeout=timeout)
        import _socket  # noqa: PLC0415 - the part of `socket` that costs nothing

        connection = _socket.socket(_socket.AF_UNIX)
        try:
            connection.settimeout(timeout)
            connection.connect(address)
        except OSError:
            connection.close()
            raise
        return connection

    def interface_address(self, name: str) -> Optional[Tuple[str, str]]:
        """Return a network interface's first IPv4 address and netmask, or None without one."""
        import _socket  # noqa: PLC0415 - the part of `socket` that costs nothing
        import fcntl  # noqa: PLC0415 - needed only for facts

        request = name.encode()[:15].ljust(256, b"\0")  # struct ifreq, see netdevice(7)
        probe = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
        try:
            address, netmask = (
                _socket.inet_ntoa(fcntl.ioctl(probe.fileno(), call, request)[20:24])
                for call in (_SIOCGIFADDR, _SIOCGIFNETMASK)
            )
        except OSError:
            return None
        finally:
            probe.close()
        return address, netmask

    def uname(self) -> os.uname_result:
        """Return the kernel's own words on the machine: name, release, architecture."""
        return os.uname()

    def disk(self, path: str) -> Optional[Disk]:
        """Return the space of the file system that holds ``path``, None where nothing is."""
        try:
            found = os.statvfs(path)
        except OSError:
            return None
        size = found.f_frsize
        return Disk(found.f_blocks * size, found.f_bavail * size, found.f_files, found.f_favail)
