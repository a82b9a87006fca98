"""How long a play of forty resources takes that changes nothing: ``python benchmarks/speed.py``.

The same forty on the same eight lab hosts as a playbook of provision, the same playbook with
Ansible, a deploy of pyinfra, and a check script over one Fabric exec per host; beside them ``true``
over Fabric, which is what logging in costs. Each command is timed from start to end, in turn with
the others, first as the network is and then with 50 ms more of round-trip time.
"""

from __future__ import annotations

import argparse
import re
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from fleet import Fleet, Login, host_key, lab
from measure import OTHERS, PYTHON, WORK, Command, Sample, in_turn, median, ratio, run

from provision.lab.host import LabHost
from provision.lab.lab import Lab

HOSTS, RESOURCES = 8, 40
DELAY = 25  # ms each way
# What provision promises: (name of the other, at least or at most so many times its time).
NEAR = {"Ansible": 60.0, "pyinfra": 6.0}
FAR = {"pyinfra": 10.0}
SINGLE, SINGLE_LIMIT = "check script, one exec", 1.6
PROVISION, TRUE = "provision", "`true`, one exec"


def commands(fleet: Fleet) -> list[Command]:
    """Return what is compared, each with the proof that it has found everything in order."""
    check = "sudo -n /bin/sh -c " + shlex.quote((WORK / "check.sh").read_text())
    single = [OTHERS / "python", WORK / "single_exec.py", fleet.plain]
    return [
        Command(
            PROVISION,
            [PYTHON, "-m", "provision", "play", WORK / "site.yml", "-i", fleet.inventory],
            lambda text: f"{HOSTS} hosts, nothing to change" in text,
        ),
        Command(SINGLE, [*single, check], lambda text: f"{HOSTS} of {HOSTS}" in text),
        Command(TRUE, [*single, "true"], lambda text: f"{HOSTS} of {HOSTS}" in text),
        Command(
            "pyinfra",
            [OTHERS / "pyinfra", "-y", "--chdir", WORK, fleet.pyinfra, "pyinfra_deploy.py"],
            _pyinfra_found_all_in_order,
        ),
        Command(
            "Ansible",
            [OTHERS / "ansible-playbook", "-i", fleet.inventory, WORK / "site.yml"],
            lambda text: text.count(f"ok={RESOURCES} ") == text.count("changed=0 ") == HOSTS,
            {"ANSIBLE_CONFIG": str(WORK / "ansible.cfg")},
        ),
    ]


def _pyinfra_found_all_in_order(text: str) -> bool:
    """Read the last line of its table: operations; changed, failed and unchanged ones."""
    total = str(HOSTS * RESOURCES)
    return re.search(rf"Grand total +{total} +- +- +{total} ", text) is not None


def prepare(hosts_lab: Lab, hosts: Sequence[LabHost], fleet: Fleet, directory: Path) -> None:
    """Bring the hosts to the expected state, and prove that every tool finds them in it."""
    for host in hosts:  # what Ansible's apt module needs there
        if hosts_lab.exec(host.name, ["python3", "-c", "import apt"]).returncode != 0:
            hosts_lab.exec(host.name, ["apt-get", "update"], timeout=120)
            hosts_lab.exec(host.name, ["apt-get", "install", "-y", "python3-apt"], timeout=120)
    first, *_ = every = commands(fleet)
    run(replace(first, name="converge", proof=lambda text: True), directory)
    for command in every[:-1]:  # the last one is Ansible, which proves it while it is timed
        run(command, directory)


@contextmanager
def delayed(ports: Sequence[int]) -> Iterator[dict[int, int]]:
    """Yield, for every port of this machine, another one that leads to it the long way."""
    routes = {port: _free_port() for port in ports}
    words = [f"{listen}={port}" for port, listen in routes.items()]
    script = Path(__file__).with_name("delay.py")
    process = subprocess.Popen(
        [PYTHON, script, str(DELAY), *words], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield routes
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def show(title: str, samples: Mapping[str, list[Sample]], promises: Mapping[str, float]) -> None:
    """Print the times of one comparison, and what of them was promised."""
    ours = samples[PROVISION]
    print(f"\n{title}")
    print(f"  {'':26}{'median':>9}{'best':>9}{'CPU':>8}{'x provision':>13}")
    for name, taken in samples.items():
        best, cpu = min(each.seconds for each in taken), min(each.cpu for each in taken)
        print(
            f"  {name:26}{median(taken):>7.2f} s{best:>7.2f} s{cpu:>6.2f} s"
            f"{ratio(taken, ours):>12.2f}   ({len(taken)} runs)"
        )
    for name, factor in promises.items():
        reached = ratio(samples[name], ours)
        _verdict(f"{factor:g} times faster than {name}", f"{reached:.1f}", reached >= factor)
    above = ratio(ours, samples[SINGLE])
    _verdict(f"at most {SINGLE_LIMIT} times the {SINGLE}", f"{above:.2f}", above <= SINGLE_LIMIT)


def _verdict(promise: str, found: str, kept: bool) -> None:
    print(f"  {'kept  ' if kept else 'MISSED'}  {promise}: {found}")


def start_up(directory: Path) -> None:
    """Print what the command costs before it does anything."""
    command = Command("--help", [PYTHON, "-m", "provision", "--help"])
    best = min(run(command, directory).cpu for _ in range(5))
    print("\nstart-up")
    _verdict("`provision --help` in 0.25 s of CPU", f"{best:.2f} s", best < 0.25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="of the fast ones")
    parser.add_argument("--without", action="append", default=[], help="a name not to run")
    options = parser.parse_args()
    near = {PROVISION: options.rounds, SINGLE: options.rounds, TRUE: options.rounds}
    near |= {"pyinfra": min(options.rounds, 5), "Ansible": min(options.rounds, 2)}
    far = {**near, "pyinfra": min(options.rounds, 3), "Ansible": 1}
    with lab(HOSTS) as (hosts_lab, hosts), tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        logins = [
            (Login(host.name, host.address, host.port, host.user, host.key), host_key(host))
            for host in hosts
        ]
        fleet = Fleet(directory / "near", logins)
        prepare(hosts_lab, hosts, fleet, directory)
        start_up(directory)
        wanted = [each for each in commands(fleet) if each.name not in options.without]
        title = f"{HOSTS} hosts, {RESOURCES} resources, nothing to change"
        samples = in_turn(wanted, near, directory)
        show(title, samples, {name: x for name, x in NEAR.items() if name in samples})
        with delayed([host.port for host in hosts]) as routes:
            far_logins = [(replace(login, port=routes[login.port]), key) for login, key in logins]
            distant = Fleet(directory / "far", far_logins)
            wanted = [each for each in commands(distant) if each.name not in options.without]
            samples = in_turn(wanted, far, directory)
            title = f"the same, with {2 * DELAY} ms more of round-trip time"
            show(title, samples, {name: x for name, x in FAR.items() if name in samples})
    sys.stdout.flush()


if __name__ == "__main__":
    main()
