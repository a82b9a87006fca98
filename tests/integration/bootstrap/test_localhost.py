"""``localhost``: the machine that one sits at, prepared without SSH.

That is a lab host here, with this project's code on Debian's own Python and libraries.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.integration.bootstrap.conftest import Machine
from tests.integration.commandline import recap_of

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
PARTS = ("provision", "playbooks", "templates")
LIBRARIES = (
    "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq"
    " --no-install-recommends python3-click python3-fabric python3-jinja2 python3-rich python3-yaml"
)
PLAYBOOK = """\
- name: prepare
  hosts: all
  become: true
  tags: [prepare]
  tasks:
    - copy:
        dest: /etc/provision-test
        content: "{{ group_names | join(' ') }}"
"""


def archive() -> bytes:
    """Return the project's code, and nothing else of this checkout."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for part in PARTS:
            tar.add(ROOT / part, part, filter=lambda it: None if "__pycache__" in it.name else it)
    return packed.getvalue()


def bootstrap(machine: Machine, *arguments: str, code: int = 0) -> str:
    """Run the command on the machine itself, as root, and return what it showed."""
    words = " ".join(("python3 -m provision bootstrap localhost", *arguments))
    script = f"cd /root/project && COLUMNS=200 HOME=/root PYTHONPATH=/opt {words}"
    done = machine.lab.exec(machine.host.name, ["/bin/sh", "-c", script])
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def here(machines: list[Machine]) -> Machine:
    machine = machines[0].fresh()
    done = machine.lab.exec(machine.host.name, ["/bin/sh", "-c", LIBRARIES], timeout=300)
    assert done.returncode == 0, done.stderr
    machine.lab.container(machine.host.name).put_archive("/opt", archive())
    machine.run("mkdir -p /root/project/playbooks")
    machine.run(f"cat >/root/project/playbooks/deploy.yml <<'END'\n{PLAYBOOK}END")
    return machine


def test_this_machine_is_prepared_and_written_down(here: Machine) -> None:
    planned = bootstrap(here, "--role trainer --check", code=2)
    assert "copy" in planned
    assert here.run("ls /etc/provision-test 2>/dev/null || true") == ""
    bootstrap(here, "--role trainer --write prod.yml")
    assert here.run("cat /etc/provision-test") == "trainer"
    written = yaml.safe_load(here.run("cat /root/project/prod.yml"))
    (name,) = written["all"]["children"]["trainer"]["hosts"]
    assert name == "localhost"
    again = bootstrap(here, "--role trainer --write prod.yml")
    assert recap_of(again)["localhost"]["changed"] == 0
    assert here.run("id deploy 2>&1 || true").endswith("no such user\n")  # it needs no login
