"""``provision verify`` and ``pytest --provision-inventory`` against a real host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from provision.errors import ExitCode
from provision.lab.host import LabHost

pytestmark = pytest.mark.integration

# Named one by one: whether ours is found by itself depends on how the package is installed.
_PLUGINS = (
    "--disable-plugin-autoload",
    "-p",
    "testinfra.plugin",
    "-p",
    "provision.cli.pytest_plugin",
)

_MINE = """
testinfra_hosts = ["h1"]

def test_name(host):
    "It has a name"
    assert host.check_output("hostname")

def test_answer(host):
    assert host.check_output("echo 41") == "42"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's directory with a check of their own."""
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "test_mine.py").write_text(_MINE)
    return tmp_path


def run(module: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def test_bare_host_does_not_pass(project: Path, inventory_file: Path) -> None:
    done = run("provision", "verify", "-i", inventory_file, "--junit", "out/r.xml", cwd=project)
    assert done.returncode == ExitCode.UNVERIFIED, done.stdout + done.stderr
    assert "docker.service active and enabled" in done.stdout
    suites = ElementTree.parse(project / "out" / "r.xml").getroot()
    assert [suite.get("name") for suite in suites] == ["h1"]
    assert int(suites[0].get("failures", "0")) > 0


def test_own_checks(project: Path, inventory_file: Path) -> None:
    arguments = ("verify", "-i", inventory_file, "-t", "mine", "checks", "--json")
    done = run("provision", *arguments, cwd=project)
    assert done.returncode == ExitCode.UNVERIFIED, done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    tasks = {event["task"]: event["status"] for event in events if "status" in event}
    assert tasks == {"mine: It has a name": "ok", "mine: answer": "failed"}
    assert {path.name for path in project.iterdir()} <= {"checks", ".provision"}


def test_checks_that_pass(project: Path, inventory_file: Path) -> None:
    (project / "checks" / "test_mine.py").write_text("def test_a(host): host.check_output('true')")
    arguments = ("verify", "-i", inventory_file, "-t", "mine", "checks")
    assert run("provision", *arguments, cwd=project).returncode == ExitCode.OK


def test_nonsense_is_a_usage_error(project: Path, inventory_file: Path) -> None:
    (project / "broken").mkdir()
    (project / "broken" / "test_broken.py").write_text("def test_a(host:\n")
    (project / "file").touch()
    for wrong in (
        ["-t", "mnie", "checks"],
        ["no-such-directory"],
        ["--limit", "h7"],
        ["broken"],
        ["broken/test_broken.py"],
        ["--junit", "file/report.xml"],
    ):
        done = run("provision", "verify", "-i", inventory_file, *wrong, cwd=project)
        assert done.returncode == ExitCode.USAGE, done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_a_single_file_of_checks(project: Path, inventory_file: Path) -> None:
    (project / "checks" / "test_other.py").write_text("def test_b(host): assert False\n")
    arguments = ("verify", "-i", inventory_file, "-t", "mine", "checks/test_mine.py")
    done = run("provision", *arguments, cwd=project)
    assert done.returncode == ExitCode.UNVERIFIED, done.stdout + done.stderr
    assert "mine: answer on h1" in done.stdout


def test_host_that_is_not_there(project: Path, inventory_file: Path, bare_host: LabHost) -> None:
    other = project / "hosts.yml"
    other.write_text(inventory_file.read_text().replace(str(bare_host.port), "9"))
    done = run("provision", "verify", "-i", other, cwd=project)
    assert done.returncode == ExitCode.UNREACHABLE, done.stdout + done.stderr


def test_connection_that_is_cut(project: Path, inventory_file: Path) -> None:
    text = "def test_a(host): host.run('pkill -9 -u ops sshd; sleep 5')\ndef test_b(host): pass\n"
    (project / "checks" / "test_mine.py").write_text(text)
    arguments = ("verify", "-i", inventory_file, "-t", "mine", "checks")
    done = run("provision", *arguments, cwd=project)
    assert done.returncode == ExitCode.UNREACHABLE, done.stdout + done.stderr
    assert "connection was lost" in done.stdout


def test_pytest_of_the_users_own(project: Path, inventory_file: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\n")
    plugin = (*_PLUGINS, "--provision-inventory", inventory_file)
    done = run("pytest", *plugin, "-q", "-W", "error", "checks", cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    assert "test_answer[h1]" in done.stdout
    shipped = ("--pyargs", "provision.verify.suites", "-k", "docker and socket")
    done = run("pytest", *plugin, "-q", *shipped, cwd=project)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_pytest_from_another_directory_with_our_suites_beside(
    project: Path, inventory_file: Path, tmp_path: Path
) -> None:
    (project / "checks" / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef name(host): return host.check_output('hostname')\n"
    )
    (project / "checks" / "test_mine.py").write_text(
        "def test_a(name, node, nodes): assert name == node.name and nodes[name] is node\n"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    arguments = ("--provision-inventory", inventory_file, "--junitxml", "r.xml", "-q")
    both = (project / "checks", "--pyargs", "provision.verify.suites", "-m", "not gpu")
    done = run("pytest", *_PLUGINS, *arguments, *both, cwd=elsewhere)
    assert "test_a[h1]" not in done.stdout  # it passed; the bare host fails what others ask
    assert "test_docker.py::test_service[h1]" in done.stdout, done.stdout + done.stderr
    cases = ElementTree.parse(elsewhere / "r.xml").getroot().iter("testcase")
    assert {"test_a[h1]", "test_clock[h1]"} <= {case.get("name") for case in cases}


def test_pytest_tells_of_a_host_that_is_not_there(
    project: Path, inventory_file: Path, bare_host: LabHost
) -> None:
    other = project / "hosts.yml"
    other.write_text(inventory_file.read_text().replace(str(bare_host.port), "9"))
    done = run("pytest", *_PLUGINS, "--provision-inventory", other, "checks", cwd=project)
    assert done.returncode == 1
    assert "connection refused" in done.stdout
    assert "hint: is the host up" in done.stdout
    assert "1 failed, 1 skipped" in done.stdout
    assert "def " not in done.stdout, done.stdout  # no code of ours


def test_pytest_asks_no_host_that_is_not_in_the_limit(project: Path, inventory_file: Path) -> None:
    arguments = ("--provision-inventory", inventory_file, "--provision-limit", "h7")
    done = run("pytest", *_PLUGINS, *arguments, "checks", cwd=project)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "'h7' is no host or group" in done.stderr


def test_pytest_tells_of_a_wrong_inventory(project: Path) -> None:
    done = run("pytest", *_PLUGINS, "--provision-inventory", "no.yml", cwd=project)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no.yml" in done.stderr
    assert "Traceback" not in done.stderr
