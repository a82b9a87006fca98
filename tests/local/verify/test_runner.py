"""What goes into a verification and comes out of it, and that it leaves no trace."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from provision.agent.resource import Query
from provision.errors import ProvisionError, UsageError
from provision.verify.runner import Check, require_runnable, verify
from tests.unit.verify.described import Changes, DescribedHost, described


def checks_of(tmp_path: Path, text: str, changes: dict[str, Changes] | None = None) -> list[Check]:
    """Return the results of a user's test file, tagged `mine`."""
    (tmp_path / "test_mine.py").write_text(text, encoding="utf-8")
    targets = [host.target() for host in described(changes)]
    return verify(targets, paths=[tmp_path], tags={"mine"}, mask=lambda it: it.replace("pw", "*"))


def test_own_checks_run_on_every_host_beside_ours(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_any(host): 'It is there.'")
    targets = [host.target() for host in described()]
    names = {(it.host, it.suite) for it in verify(targets, paths=[tmp_path])}
    assert {("work-1", "mine"), ("gpu-1", "mine"), ("work-1", "docker")} <= names


def test_results_come_host_by_host() -> None:
    hosts = [check.host for check in verify([host.target() for host in described()])]
    assert hosts == sorted(hosts, key=["work-1", "gpu-1"].index)


def test_check_has_the_sentence_of_its_docstring_or_name(tmp_path: Path) -> None:
    text = "def test_the_answer(host): pass\ndef test_b(host):\n  '''All is well.\n\n  Or so.'''\n"
    assert {it.name for it in checks_of(tmp_path, text)} == {"the answer", "All is well"}


def test_parameters_are_told(tmp_path: Path) -> None:
    text = "import pytest\n@pytest.mark.parametrize('n', [1, 2])\ndef test_a(host, n): pass\n"
    assert {it.name for it in checks_of(tmp_path, text)} == {"a [1]", "a [2]"}


def test_only_hosts_and_groups_that_the_file_names(tmp_path: Path) -> None:
    text = "testinfra_hosts = ['trainer']\ndef test_a(host): pass\n"
    assert [it.host for it in checks_of(tmp_path, text)] == ["gpu-1"]


def test_what_is_about_all_hosts_runs_once(tmp_path: Path) -> None:
    text = "def test_a(nodes): assert list(nodes) == ['work-1', 'gpu-1']\n"
    assert [it.outcome for it in checks_of(tmp_path, text)] == ["passed"]


def test_failure_tells_the_values_the_place_and_what_was_printed(tmp_path: Path) -> None:
    text = "def test_a(host):\n  print('seen', 'pw')\n  assert 1 + 1 == 3\n"
    check = checks_of(tmp_path, text)[0]
    assert check.message.splitlines() == [
        f"{tmp_path}/test_mine.py:3: assert (1 + 1) == 3",
        "seen *",
    ]


def test_skip_tells_why(tmp_path: Path) -> None:
    text = "import pytest\ndef test_a(host): pytest.skip('no time')\n"
    check = checks_of(tmp_path, text)[0]
    assert (check.outcome, check.message) == ("skipped", "no time")


def test_error_in_a_fixture_is_a_failure(tmp_path: Path) -> None:
    text = "import pytest\n@pytest.fixture\ndef f(): 1/0\ndef test_a(host, f): pass\n"
    check = checks_of(tmp_path, text)[0]
    assert check.outcome == "failed"
    assert "ZeroDivisionError" in check.message


def test_fixture_that_does_not_exist_is_named(tmp_path: Path) -> None:
    check = checks_of(tmp_path, "def test_a(host): pass\ndef test_b(host, nothing): pass\n")[1]
    assert check.message == f"{tmp_path}/test_mine.py:2: fixture 'nothing' not found"


def test_commands_run_on_the_host_each_time_but_a_suites_questions_once(tmp_path: Path) -> None:
    text = (
        "from provision.verify.questions import Questions\n"
        "def questions(node): return Questions(commands=('getent passwd generals',))\n"
        "def test_a(host):\n"
        "  for _ in range(3): assert host.run('getent passwd generals').rc == 0\n"
        "  for _ in range(3): host.run('getent passwd %s', 'generals now')\n"
    )
    (tmp_path / "test_mine.py").write_text(text)
    host = described()[0]
    checks = verify([host.target()], paths=[tmp_path], tags={"mine"})
    assert [it.outcome for it in checks] == ["passed"]
    assert host.asked == ["getent passwd generals", *["getent passwd 'generals now'"] * 3]


@pytest.mark.parametrize(("lost", "other"), [("work-1", "gpu-1"), ("gpu-1", "work-1")])
def test_lost_host_fails_once_and_the_others_go_on(lost: str, other: str) -> None:
    hosts = described({lost: Changes(lost=True)})
    checks = verify([host.target() for host in hosts])
    of_lost = [check for check in checks if check.host == lost]
    assert [check.message for check in of_lost if check.outcome == "failed"] == [
        f"host {lost}: the connection was lost"
    ]
    assert {it.message for it in of_lost if it.outcome == "skipped"} == {"the host was lost"}
    assert {check.outcome for check in checks if check.host == other} == {"passed", "skipped"}


@pytest.mark.parametrize(
    ("tag", "hint"), [("netwrk", "did you mean 'network'?"), ("qqqqq", "known: agent_pool, ")]
)
def test_unknown_tag_is_an_error_before_any_host_is_asked(tag: str, hint: str) -> None:
    hosts = described()
    with pytest.raises(UsageError) as caught:
        require_runnable([host.target() for host in hosts], tags={tag})
    assert tag in caught.value.message
    assert str(caught.value.hint).startswith(hint)
    assert [host.asked for host in hosts] == [[], []]


def test_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no checks here") as caught:
        require_runnable([host.target() for host in described()], paths=[tmp_path / "nothing"])
    assert "pytest tests" in str(caught.value.hint)


def test_a_request_that_can_be_run_asks_no_host_anything_yet(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_a(host): host.run('true')\n")
    hosts = described()
    require_runnable([host.target() for host in hosts], paths=[tmp_path], tags={"mine", "gpu"})
    assert [host.asked for host in hosts] == [[], []]


def test_path_of_a_single_file(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_a(host): pass\n")
    (tmp_path / "test_other.py").write_text("def test_b(host): pass\n")
    targets = [host.target() for host in described()]
    checks = verify(targets, paths=[tmp_path / "test_mine.py"])
    assert {"mine", "base"} <= {it.suite for it in checks}
    assert "other" not in {it.suite for it in checks}


def test_a_session_that_pytest_refuses_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provision.verify.session.SUITES", tmp_path / "gone")
    with pytest.raises(ProvisionError, match="no check was run"):
        verify([host.target() for host in described()])


def test_hosts_that_nobody_knows_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("testinfra_hosts = ['trainr']\ndef test_a(host): pass\n")
    targets = [host.target() for host in described()]
    with pytest.raises(UsageError, match=r"test_mine\.py") as caught:
        verify(targets, paths=[tmp_path])
    assert caught.value.hint == "testinfra_hosts names 'trainr': did you mean 'trainer'?"
    checks = verify(targets, paths=[tmp_path], names=["trainr"])  # of a host beyond the limit
    assert "mine" not in {it.suite for it in checks}


@pytest.mark.parametrize("place", ["file/report.xml", "directory"])
def test_report_that_cannot_be_written_is_refused_before_any_host_is_asked(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    hosts = described()
    with pytest.raises(UsageError, match="cannot be written"):
        require_runnable([host.target() for host in hosts], junit=tmp_path / place)
    assert [host.asked for host in hosts] == [[], []]


def test_file_that_cannot_be_read_is_an_error_before_any_host_is_asked(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("def test_a(host:\n")
    hosts = described()
    with pytest.raises(UsageError) as caught:
        require_runnable([host.target() for host in hosts], paths=[tmp_path])
    assert f"{tmp_path}/test_broken.py" in caught.value.message
    assert str(caught.value.hint).lstrip().startswith("File ")
    assert 'test_broken.py", line 1' in str(caught.value.hint)
    assert "SyntaxError" in str(caught.value.hint)
    assert [host.asked for host in hosts] == [[], []]


def test_hosts_are_asked_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits until the other has been asked, too."""
    hosts = described()
    all_asked = threading.Barrier(len(hosts), timeout=10)
    answer = DescribedHost.ask

    def ask(host: DescribedHost, query: Query) -> Mapping[str, Any]:
        all_asked.wait()
        return answer(host, query)

    monkeypatch.setattr(DescribedHost, "ask", ask)
    checks = verify([host.target() for host in hosts], tags={"docker"})
    assert {check.outcome for check in checks} == {"passed"}


def test_interruption_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        checks_of(tmp_path, "def test_a(host): raise KeyboardInterrupt\n")


def test_error_of_a_listener_is_passed_on() -> None:
    def listen(check: Check) -> None:
        raise ValueError(check.host)

    with pytest.raises(ValueError, match="work-1"):
        verify([host.target() for host in described()], on_check=listen)


def test_junit_report(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_a(host): assert '\\x1b' == '\\ud800'\n")
    report = tmp_path / "new" / "report.xml"
    targets = [host.target() for host in described()]
    require_runnable(targets, junit=report)  # which makes the directory
    verify(targets, paths=[tmp_path], tags={"mine", "gpu"}, junit=report)
    root = ElementTree.parse(report).getroot()
    counts = {suite.get("name"): suite.attrib for suite in root}
    assert counts["gpu-1"]["failures"] == "1"
    assert counts["work-1"]["tests"] == counts["gpu-1"]["tests"] == "12"
    failures = root.findall(".//testcase[@classname='gpu-1.mine']/failure")
    assert "test_mine.py:1" in str(failures[0].get("message"))


def test_junit_report_names_hosts_that_could_not_be_reached(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    told: list[Check] = []
    target = described()[0].target()
    lost = {"gpu-9": "host gpu-9: no answer in time"}
    verify([target], tags={"docker"}, lost=lost, junit=report, on_check=told.append)
    root = ElementTree.parse(report).getroot()
    assert root.attrib["failures"] == "1"
    (failure,) = root.findall(".//testcase[@classname='gpu-9.connection']/failure")
    assert failure.get("message") == lost["gpu-9"]
    assert {check.host for check in told} == {target.name}


def test_no_trace_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    (tmp_path / "checks").mkdir()
    text = "import warnings\ndef test_a(host):\n  print('noise')\n  warnings.warn('noise')\n"
    (tmp_path / "checks" / "test_mine.py").write_text(text)
    before = process_state()
    checks = verify([host.target() for host in described()], paths=[tmp_path / "checks"])
    assert any(check.suite == "mine" for check in checks)
    assert process_state() == before
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["checks"]


def process_state() -> list[object]:
    # PYTEST_CURRENT_TEST is of the session that these tests themselves run in
    environment = {key: os.environ[key] for key in os.environ if key != "PYTEST_CURRENT_TEST"}
    filters = list(warnings.filters)
    return [Path.cwd(), list(sys.path), list(sys.meta_path), environment, filters, sys.stdout]
