from __future__ import annotations

import pytest

from provision.engine.events import HostRecap
from provision.report.line import as_text
from provision.report.plan import fold_names
from provision.report.recap import recap_lines
from provision.report.text import amount, clean, clean_lines, duration, fit, fit_name

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (1.14, "1.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (38.2, "38 s"),
        (59.6, "1:00"),
        (130, "2:10"),
        (3599.7, "1:00:00"),
        (3730, "1:02:10"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("done", "total", "unit", "text"),
    [
        (0, 340 * MIB, "bytes", "0.0 of 340 MiB"),
        (MIB // 2, None, "bytes", "0.5 MiB"),
        (3, 8, "layers", "3 of 8 layers"),
        (3, None, "steps", "3 steps"),
    ],
)
def test_amount(done: int, total: int | None, unit: str, text: str) -> None:
    assert amount(done, total, unit) == text


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        ("", []),
        ("a\nb\n", ["a", "b"]),
        ("a\r\nb", ["a", "b"]),
        ("1%\r50%\r100%", ["100%"]),
        ("\x1b[1;31mred\x1b[m", ["red"]),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x07", ["link"]),
        ("\x1bP1$q\x1b\\x\x1bcy\x9b5n", ["xy"]),
        ("\x1b", ["\ufffd"]),
        ("a\x00b\udc80", ["a\ufffdb\ufffd"]),
        ("naïve 中文 ✓", ["naïve 中文 ✓"]),
    ],
)
def test_clean_lines(raw: str, lines: list[str]) -> None:
    assert clean_lines(raw) == lines


def test_clean_joins_lines() -> None:
    assert clean("one\n  two\n") == "one two"


@pytest.mark.parametrize("width", [1, 2, 5, 8, 9, 30])
def test_fitting_text_keeps_to_the_width(width: int) -> None:
    text = "gpu-00017"
    assert len(fit(text, width)) == min(width, len(text))
    assert len(fit_name(text, width)) == min(width, len(text))


def test_a_cut_name_keeps_both_ends() -> None:
    assert fit_name("trainer-01.example.net", 11) == "train…e.net"


HOSTS = [f"h{number}" for number in range(1, 9)]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["h1"], "h1"),
        (["h1", "h2"], "h1, h2"),
        (["h1", "h2", "h3"], "h1 … h3 (3 hosts)"),
        (["h1", "h3"], "h1, h3"),
        (["h1", "h2", "h3", "h5", "h7", "h8"], "h1 … h3, h5, h7, h8 (6 hosts)"),
        (HOSTS, "h1 … h8 (8 hosts)"),
    ],
)
def test_only_neighbours_are_folded(names: list[str], text: str) -> None:
    assert fold_names(names, HOSTS) == text


def test_a_folded_name_keeps_its_number_when_cut() -> None:
    order = [f"a-long-host-name-{number}" for number in range(40)]
    folded = fold_names(order[::2], order)
    assert len(folded) <= 90
    assert folded.endswith("(20 hosts)")


TIMES = ["time", "0.0 s", "10:00:00", "0.0 s"]  # the last column of numbers, row by row


def test_the_recap_fits_100_columns_and_puts_trouble_last() -> None:
    long = "gpu-01." + "very-long-domain." * 8 + "net"
    recap = {
        long: HostRecap(ok=123456, failed=1, unreachable=1, seconds=36000),
        "fine": HostRecap(ok=1),
        "bad": HostRecap(failed=1),
    }
    lines = [as_text(line) for line in recap_lines(recap)]
    assert max(map(len, lines)) <= 100
    assert [line.split()[0] for line in lines[:2]] == ["host", "fine"]
    assert lines[2].startswith("gpu-01.")
    assert lines[2].endswith("UNREACHABLE")
    assert lines[3].endswith("FAILED")
    ends = [line.index(time) + len(time) for line, time in zip(lines, TIMES, strict=True)]
    assert len(set(ends)) == 1


def test_a_run_without_hosts_has_no_recap() -> None:
    assert recap_lines({}) == []
