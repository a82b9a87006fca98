"""What may be typed after ``provision bootstrap``."""

from __future__ import annotations

import pytest

from provision.engine.bootstrap.targets import Target, check_request, parse_target, parse_targets
from provision.errors import UsageError


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("203.0.113.7", Target("203.0.113.7", "203.0.113.7")),
        ("ubuntu@203.0.113.7", Target("203.0.113.7", "203.0.113.7", "ubuntu")),
        ("root@gpu.example.com:2222", Target("gpu.example.com", "gpu.example.com", "root", 2222)),
        ("gpu-01=ec2-user@203.0.113.7:22", Target("gpu-01", "203.0.113.7", "ec2-user", 22)),
        ("my_alias", Target("my_alias", "my_alias")),
        ("[2001:db8::7]:2222", Target("2001:db8::7", "2001:db8::7", None, 2222)),
        ("admin@[2001:db8::7]", Target("2001:db8::7", "2001:db8::7", "admin")),
        ("2001:db8::7", Target("2001:db8::7", "2001:db8::7")),
        ("2001:db8::7:22", Target("2001:db8::7:22", "2001:db8::7:22")),
        ("g=root@2001:db8::7", Target("g", "2001:db8::7", "root")),
        ("ssh://root@gpu:2222/", Target("gpu", "gpu", "root", 2222)),
        ("localhost", Target("localhost", "localhost")),
    ],
)
def test_targets(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@gpu",
        "gpu:",
        "gpu:0",
        "gpu:65536",
        "gpu:ssh",
        "a b",
        "root@",
        "=gpu",
        "gpu/x",
        "-l",
        "[gpu]:22x",
        "root@[2001:db8::7",
        "a,b",
        "gpu*",
    ],
)
def test_what_is_no_target(text: str) -> None:
    with pytest.raises(UsageError, match="no host to log in to"):
        parse_target(text)


def test_only_the_bare_name_is_this_machine() -> None:
    assert parse_target("localhost").is_local
    assert parse_target("build=localhost").is_local
    assert not parse_target("ops@localhost").is_local
    assert not parse_target("localhost:2222").is_local


def test_one_host_is_named_once() -> None:
    with pytest.raises(UsageError, match="a is given twice"):
        parse_targets(["a=h1", "a=h2"])
    with pytest.raises(UsageError, match="a and b are the same host"):
        parse_targets(["a=root@h1", "b=ops@h1"])
    assert len(parse_targets(["a=h1:2201", "b=h1:2202"])) == 2


@pytest.mark.parametrize(
    ("targets", "settings", "problem"),
    [
        (["gpu"], {"roles": ["trainr"]}, "there is no role 'trainr'"),
        (["gpu"], {"roles": ["host"]}, "there is no role 'host'"),
        (["gpu"], {"user": "De ploy"}, "cannot be the name of an account"),
        (["localhost"], {}, "nothing to do on localhost"),
        (["localhost"], {"roles": ["trainer"], "close": True}, "no new login could be tried"),
    ],
)
def test_what_cannot_be_meant(
    targets: list[str], settings: dict[str, object], problem: str
) -> None:
    given: dict[str, object] = {"roles": [], "user": "deploy", "close": False, **settings}
    with pytest.raises(UsageError, match=problem):
        check_request(parse_targets(targets), **given)  # type: ignore[arg-type]


def test_what_can_be_meant() -> None:
    targets = parse_targets(["localhost", "root@gpu"])
    check_request(targets, roles=["trainer", "monitoring"], user="j.doe", close=False)
