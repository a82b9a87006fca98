"""One playbook under ``ansible-playbook`` and under ``provision play``: the same host afterwards.

``parity/site.yml`` uses every module and keyword of ours that ansible-core has; ``state.sh`` prints
what it may have changed. Both tools then find nothing left to do.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from provision.lab.lab import Lab
from provision.playbook.keywords import LOOP_CONTROL, PLAY_KEYWORDS, TASK_KEYWORDS
from provision.playbook.modules import MODULES
from tests.labs import lab_for

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent
PLAYBOOK = HERE / "parity" / "site.yml"
TIMEOUT = 400  # seconds; Ansible takes about one a task, more on a busy machine

# Of other collections, or ours alone; `get_url` needs a server that both hosts reach, Docker mounts
# /etc/hostname into the lab's hosts, and a reboot leaves nothing to compare.
NOT_HERE = {
    *("authorized_key", "merge_json", "modprobe", "mount", "sysctl", "timezone"),
    *("apt_repository", "dnf", "get_url", "hostname", "reboot"),
}
# What the play with one host per inventory cannot show; `tests/local/engine` does.
KEYWORDS_NOT_HERE = {
    *("serial", "any_errors_fatal", "max_fail_percentage", "tags", "become_user", "vars"),
    "loop_var",
}
_ANSIBLE_RECAP = re.compile(r"^h1 .* changed=(\d+) .*unreachable=0 .*failed=0", re.MULTILINE)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two hosts alike, one for each tool."""
    with lab_for("parity", tmp_path_factory) as made:
        made.up(2, with_images=False)
        yield made


def inventory_for(lab: Lab, name: str) -> Path:
    """Write an inventory in which the host ``name`` of the lab is called h1."""
    host = lab.host(name)
    variables = {
        "ansible_host": host.address,
        "ansible_port": host.port,
        "ansible_user": host.user,
        "ansible_ssh_private_key_file": str(host.key),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={lab.credentials.known_hosts}",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    path = lab.credentials.directory / f"only-{name}.yml"
    path.write_text(yaml.safe_dump({"target": {"hosts": {"h1": variables}}}))
    return path


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ansible(inventory: Path, cwd: Path) -> int:
    """Play it; return how many tasks changed something."""
    found = _ANSIBLE_RECAP.search(
        run("ansible", "playbook", "-i", str(inventory), str(PLAYBOOK), cwd=cwd)
    )
    assert found
    return int(found[1])


def ours(inventory: Path, cwd: Path) -> int:
    """Play it; return how many tasks changed something."""
    out = run("provision", "play", "-i", str(inventory), str(PLAYBOOK), cwd=cwd)
    found = re.search(r"^h1 +\d+ +(\d+) +0 +0 ", out, re.MULTILINE)
    assert found, out
    return int(found[1])


def state_of(lab: Lab, name: str) -> list[str]:
    done = lab.exec(name, ["/bin/sh", "-c", (HERE / "state.sh").read_text()])
    return done.stdout.splitlines()


def test_both_leave_the_same_host_and_then_find_nothing_to_do(lab: Lab, tmp_path: Path) -> None:
    before = state_of(lab, "h1")
    assert before == state_of(lab, "h2")
    theirs, our = inventory_for(lab, "h1"), inventory_for(lab, "h2")

    def twice_by_ansible() -> tuple[int, int]:
        return ansible(theirs, tmp_path), ansible(theirs, tmp_path)

    with ThreadPoolExecutor() as pool:
        by_ansible = pool.submit(twice_by_ansible)
        changes = ours(our, tmp_path), ours(our, tmp_path)
        assert changes[1] == 0
        assert by_ansible.result()[1] == 0
    wanted, found = state_of(lab, "h1"), state_of(lab, "h2")
    different = list(difflib.unified_diff(wanted, found, "ansible", "provision", n=0, lineterm=""))
    assert not different, "\n".join(different)
    assert len(set(wanted) - set(before)) > 60  # there was something to compare


def test_the_playbook_uses_everything_that_both_have() -> None:
    plays = yaml.safe_load(PLAYBOOK.read_text())
    sections = ("pre_tasks", "tasks", "post_tasks", "handlers")
    tasks = [task for play in plays for name in sections for task in play.get(name, [])]
    words = {word for task in tasks for word in task}
    controls = {word for task in tasks for word in task.get("loop_control", {})}
    assert set(MODULES) - words == NOT_HERE
    assert TASK_KEYWORDS - words - KEYWORDS_NOT_HERE == set()
    assert PLAY_KEYWORDS - {word for play in plays for word in play} - KEYWORDS_NOT_HERE == set()
    assert LOOP_CONTROL - controls - KEYWORDS_NOT_HERE == set()
