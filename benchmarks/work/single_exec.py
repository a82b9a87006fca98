"""One command over one Fabric exec per host: ``single_exec.py HOSTS.json COMMAND``.

What a careful engineer would write by hand for a fixed list of hosts: threads, known host keys
alone, one key, no delayed small packets. HOSTS.json lists [address, port, user, key, known_hosts].
"""

from __future__ import annotations

import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fabric
import paramiko


def execute(host: list[str], command: str) -> int:
    address, port, user, key, known_hosts = host
    sock = socket.create_connection((address, int(port)), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = fabric.Connection(
        address,
        port=int(port),
        user=user,
        config=fabric.Config(lazy=True, ssh_config=paramiko.SSHConfig()),
        connect_kwargs={
            "sock": sock,
            "key_filename": key,
            "look_for_keys": False,
            "allow_agent": False,
        },
    )
    connection.client.load_host_keys(known_hosts)
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
    with connection:
        done = connection.run(command, hide=True, warn=True, in_stream=False)
    if done.exited != 0:
        print(f"{address}:{port}: {done.stdout}{done.stderr}", end="")
    return int(done.exited)


def main() -> None:
    hosts = json.loads(Path(sys.argv[1]).read_text())
    with ThreadPoolExecutor(len(hosts)) as pool:
        codes = list(pool.map(lambda host: execute(host, sys.argv[2]), hosts))
    print(f"{codes.count(0)} of {len(codes)} as they should be")
    sys.exit(max(codes))


if __name__ == "__main__":
    main()
