"""How provision grows with the number of hosts: ``python benchmarks/memory.py``.

Hosts are SSH servers of their own, each on a port of one of eight lab hosts, and each with the
defaults of Debian's sshd. The play is the forty resources of ``speed.py``, planned and not carried
out: of those who change a lab host only one is let in at a time. The limit on open files is 1,024,
as after a login.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fleet import Fleet, Login, host_key, lab
from measure import PYTHON, WORK, Command, Sample, run

from provision.lab.host import LabHost
from provision.lab.lab import Lab

HOSTS = 8
FIRST_PORT = 3001
OPEN_FILES = 1024
LIMIT = 5.0  # MiB a host
COUNTS = (1, 8, 50, 200)


def start_servers(hosts_lab: Lab, host: LabHost, count: int) -> list[tuple[Login, str]]:
    """Start SSH servers on a lab host, and return the ways in, each with the host's key."""
    ports = range(FIRST_PORT, FIRST_PORT + count)
    script = f"for p in {' '.join(map(str, ports))}; do {_server('$p')}; done"
    done = hosts_lab.exec(host.name, ["/bin/sh", "-ec", script])
    assert done.returncode == 0, done
    key = host_key(host)
    return [
        (Login(f"{host.name}-{port}", host.private_address, port, host.user, host.key), key)
        for port in ports
    ]


def _server(port: str) -> str:
    """Return the command that starts one more sshd, once; it goes away with the lab host."""
    pid = f"/run/sshd-bench-{port}.pid"
    return f"[ -e {pid} ] || /usr/sbin/sshd -p {port} -o PidFile={pid}"


def play(logins: Sequence[tuple[Login, str]], directory: Path) -> Sample:
    """Plan the play for some of the hosts; all must be reached, with nothing to change."""
    fleet = Fleet(directory / str(len(logins)), logins)
    count = len(logins)
    site = WORK / "site.yml"
    argv = [PYTHON, "-m", "provision", "play", site, "-i", fleet.inventory, "--check"]
    in_order = f"would change, {count} {'are' if count > 1 else 'is'} as"
    command = Command(f"{count} hosts", argv, lambda text: in_order in text, open_files=OPEN_FILES)
    return run(command, directory)


def converge(host: LabHost, directory: Path) -> None:
    """Bring a lab host to the state that the play asks for."""
    login = Login(host.name, host.address, host.port, host.user, host.key)
    fleet = Fleet(directory / host.name, [(login, host_key(host))])
    argv = [PYTHON, "-m", "provision", "play", WORK / "site.yml", "-i", fleet.inventory]
    run(Command("converge", argv), directory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=max(COUNTS), help="hosts at most")
    options = parser.parse_args()
    counts = [count for count in COUNTS if count <= options.most]
    with lab(HOSTS) as (hosts_lab, hosts), tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        each = -(-counts[-1] // HOSTS)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda host: converge(host, directory), hosts))
            started = list(pool.map(lambda host: start_servers(hosts_lab, host, each), hosts))
        logins = [login for turn in zip(*started, strict=True) for login in turn]
        samples = {count: play(logins[:count], directory) for count in counts}
    print(f"controller's memory, open files limited to {OPEN_FILES}")
    least = samples[counts[0]].memory
    for count, sample in samples.items():
        growth = (sample.memory - least) / max(1, count - counts[0])
        print(
            f"  {count:4} hosts{sample.memory:>8.0f} MiB{growth:>7.2f} MiB a host"
            f"{sample.seconds:>8.1f} s{sample.cpu:>7.1f} s of CPU"
        )
    grown = max((samples[c].memory - least) / (c - counts[0]) for c in counts[1:])
    print(
        f"  {'kept  ' if grown <= LIMIT else 'MISSED'}  at most {LIMIT:g} MiB a host: {grown:.2f}"
    )


if __name__ == "__main__":
    main()
