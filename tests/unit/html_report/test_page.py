"""The page of a run: complete, truthful, and safe whatever hosts have said."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

from provision.engine.events import Event, HostReleased, Status, TaskStarted
from provision.report.html import record_of, render
from tests.unit.html_report.runs import Script, failed_deploy, fleet

HOSTILE = "</pre></script><script>alert(1)</script>\"' onload=x <img src=//evil.test/x> \x1b[31m"


class Page(HTMLParser):
    """What a browser makes of a page: its tags, and its text by section."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {"": ""}
        self._section = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text[self._section] += " "
        if tag == "section":
            self._section = dict(attrs)["id"] or ""
            self.text[self._section] = ""

    def handle_data(self, data: str) -> None:
        self.text[self._section] += data

    def said(self, section: str = "") -> str:
        return re.sub(r"\s+", " ", self.text[section])


def page_of(events: list[Event]) -> Page:
    return Page(render(record_of(events)))


def test_a_failure_is_told_in_full() -> None:
    page = page_of(failed_deploy())
    said = page.said("problems")
    for part in (
        "game server: compose_project generals-game-server game-02 game-server-0 is not healthy",
        "expected gRPC health SERVING on 10.0.0.12:50051",
        "found connection refused container exited 1, restarted 4 times",
        "log panic: open /app/config/config.prod.yaml: no such file or directory exit 1",
        "next provision logs game_server --limit game-02",
        "unreachable game-03 connection lost",
        "undone game-01 is back",
        "mixed game-03 could not be put back",
    ):
        assert part in said
    assert "deploy failed" in page.said() and "never on the page" not in "".join(page.text.values())


def test_a_release_that_was_undone_is_not_shown_as_the_new_one() -> None:
    said = page_of(failed_deploy()).said("releases")
    assert "1f0c99eb1fb4 unchanged game-01" in said and "7468cc783f3a" not in said


def test_a_release_names_what_it_replaced_and_its_images() -> None:
    run = Script("h1")
    run.add(
        HostReleased,
        host="h1",
        role="trainer",
        release="bbb",
        replaced="aaa",
        images={"reg/trainer:2": "reg/trainer:2@sha256:0123"},
    )
    said = page_of(run.finish(0)).said("releases")
    assert "trainer bbb was aaa h1" in said and "reg/trainer:2 sha256:0123" in said


def test_a_change_that_many_hosts_share_is_shown_once_with_its_diff() -> None:
    said = page_of(failed_deploy()).said("changes")
    assert said.count("merge_json /etc/docker/daemon.json") == 1
    assert "game-01 … game-03 (3 hosts)" in said and '"features": {"cdi": true}' in said


def test_text_of_hosts_is_text() -> None:
    run = Script(HOSTILE, command=HOSTILE)
    run.begin(HOSTILE)
    for status in (Status.CHANGED, Status.FAILED):
        fields = dict.fromkeys(("message", "expected", "found", "hint", "diff"), HOSTILE)
        run.task(HOSTILE, HOSTILE, status=status, log=(HOSTILE,), **fields)
    run.add(
        HostReleased,
        host=HOSTILE,
        role=HOSTILE,
        release=HOSTILE,
        replaced="",
        images={HOSTILE: HOSTILE},
    )
    run.end(HOSTILE, summary=HOSTILE)
    run.begin("verify")
    run.task(HOSTILE, f"suite: {HOSTILE}", status=Status.FAILED, message=HOSTILE, found=HOSTILE)
    run.end("verify", ok=False)
    page = page_of(run.finish(3, HOSTILE))
    names = [tag for tag, _ in page.tags]
    assert names.count("script") == 1 and "img" not in names
    assert not [name for _, attributes in page.tags for name in attributes if name == "onload"]
    assert "\x1b" not in "".join(page.text.values())


def test_nothing_is_loaded_and_no_other_script_may_run() -> None:
    page = page_of(failed_deploy())
    addresses = [
        it.get(name) or "" for _, it in page.tags for name in ("src", "href") if name in it
    ]
    assert addresses and all(it.startswith(("#", "data:")) for it in addresses)
    policy = next(it["content"] or "" for _, it in page.tags if "http-equiv" in it)
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy


def test_a_fleet_makes_a_page_quickly_and_a_small_one() -> None:
    events = fleet(200)
    began = time.monotonic()
    html = render(record_of(events))
    assert time.monotonic() - began < 2
    assert len(html) < 600_000
    page = Page(html)
    said = page.said("hosts")
    assert all(f"gpu-{index:03}.cluster" in said for index in range(200))
    assert "188 more variants" in page.said("changes")
    assert "4 failed 7996 passed" in page.said("checks")


def test_a_diff_without_end_is_cut() -> None:
    run = Script("h1")
    diff = "\n".join(f"+{number}" for number in range(2000))
    run.task("h1", "copy", status=Status.CHANGED, diff=diff)
    said = page_of(run.finish(0)).said("changes")
    assert "+399 " in said and "+400 " not in said and "1600 more lines" in said


def test_a_run_that_was_killed_still_has_a_page() -> None:
    run = Script("h1", "h2")
    run.begin("prepare")
    run.task("h1", "one", status=Status.CHANGED)
    run.add(TaskStarted, host="h1", task="two")
    page = page_of(run.events)
    assert "deploy broke off without an end" in page.said()
    assert "broke off" in page.said("timeline") and "h2 0" in page.said("hosts")
    problem = page.said("problems")
    assert "two h1 the run broke off while this was at work" in problem
    assert "next run it again" in problem


def test_a_plan_says_that_nothing_was_changed() -> None:
    run = Script("h1", check=True)
    run.task("h1", "copy /etc/motd", status=Status.UNKNOWN)
    page = page_of(run.finish(2))
    assert "deploy found changes to make" in page.said()
    assert "A plan: nothing was changed." in page.said()
    assert "unknown until applied" in page.said("changes")


def test_checks_that_failed_are_told_with_their_hosts() -> None:
    run = Script("h1", "h2")
    run.begin("verify")
    for host in run.hosts:
        run.task(host, "docker: containers are not root")
        run.task(host, "redis: asks for a password", status=Status.FAILED, found="+PONG", hint="x")
    run.end("verify", ok=False)
    page = page_of(run.finish(5))
    said = page.said("checks")
    assert said.index("redis") < said.index("docker") and "found +PONG" in said
    assert "problems" not in page.text and "2/4" in page.said()


def test_failed_checks_come_first_and_passed_ones_late() -> None:
    unverified, well = Script("h1"), Script("h1")
    for run, status in ((unverified, Status.FAILED), (well, Status.OK)):
        run.begin("verify")
        run.task("h1", "docker: it runs", status=status)
        run.end("verify")
    sections = [list(page_of(run.finish(0)).text) for run in (unverified, well)]
    assert [names.index("checks") < names.index("timeline") for names in sections] == [True, False]
