"""Two trainers on two hosts, and everything that they need on the first of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from tests.integration.commandline import Project
from tests.integration.reference.machine import Machine
from tests.labs import lab_for

ROLES = {
    "game_server": ["h1"],
    "experience_buffer": ["h1"],
    "model_server": ["h1"],
    "agent_pool": ["h1"],
    "trainer": ["h2", "h1"],  # the first one is the meeting point, and writes the checkpoints
}
# As Debian's installer has it: a host's own name is no address at which others reach it.
OWN_NAME = (
    'hosts=$(cat /etc/hosts); printf "127.0.1.1 %s\\n%s\\n" "$(hostname)" "$hosts" >/etc/hosts'
)
VARIABLES = {
    "agents_per_host": 1,
    "trainer_environment": {"CHECKPOINT_EVERY": "5", "PUBLISH_EVERY": "5"},
}


@pytest.fixture(scope="package")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, Machine]]:
    """The hosts of the trainers, the leader's first; deployed at once."""
    with lab_for("trainers", tmp_path_factory) as lab:
        for host in lab.up(2):
            assert lab.exec(host.name, ["sh", "-c", OWN_NAME]).returncode == 0
        inventory = yaml.safe_load(lab.inventory_file.read_text(encoding="utf-8"))
        inventory["all"]["vars"] |= VARIABLES
        inventory["all"]["children"] = {
            role: {"hosts": {host: {} for host in hosts}} for role, hosts in ROLES.items()
        }
        ours = tmp_path_factory.mktemp("project") / "pair.yml"
        ours.write_text(yaml.safe_dump(inventory, sort_keys=False), encoding="utf-8")
        done = Project(ours.parent, ours).run("deploy", timeout=1200)
        assert done.code == 0, done.shown
        yield Machine(lab, "h2"), Machine(lab, "h1")
