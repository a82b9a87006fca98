"""Our testinfra backend on a real host: what testinfra's own backend tests ask of any, and more.

Those of 10.2.2 (``test/test_backends.py`` of its source) that are about what a backend does pass as
they stand, but for two: ``test_encoding`` wants the words of a session in French and ISO-8859-15,
and the agent's is C.UTF-8 on every host; ``test_user_connection`` logs in as somebody, and ours is
root, and others by sudo. What these two are about is below.
"""

from __future__ import annotations

import pytest
from testinfra.host import Host

pytestmark = pytest.mark.integration

_MEGABYTES = 3 * 1024 * 1024


def test_command(host: Host) -> None:
    assert host.check_output("true") == ""
    assert host.run("echo a b | grep -q %s", "a c").rc == 1  # quoted: one pattern, not a file
    out = host.run("echo out && echo err >&2 && exit 42")
    assert (out.rc, out.stdout, out.stderr) == (42, "out\n", "err\n")
    assert (out.stdout_bytes, out.stderr_bytes) == (b"out\n", b"err\n")
    assert out.failed
    assert not out.succeeded
    assert out.command == b"echo out && echo err >&2 && exit 42"


@pytest.mark.parametrize(
    "text", ["a b", "it's", 'say "x"', "$HOME `id`", "a\nb", "-n", "\\", "ťēꞩƫ"]
)
def test_arguments_are_quoted(host: Host, text: str) -> None:
    assert host.check_output("printf %s %s", "%s", text) == text


def test_exit_codes_that_are_expected(host: Host) -> None:
    host.run_expect([0, 2], "exit %s", "2")
    with pytest.raises(AssertionError, match="Unexpected exit code 2"):
        host.run_expect([1], "exit 2")
    assert host.run_test("exit 1").failed
    with pytest.raises(AssertionError, match="Unexpected exit code 2"):
        host.run_test("exit 2")
    with pytest.raises(AssertionError, match="Unexpected exit code 42"):
        host.check_output("exit 42")


def test_a_missing_program_is_an_exit_code(host: Host) -> None:
    out = host.run("no-such-program")
    assert out.rc == 127
    assert "not found" in out.stderr


def test_a_signal_is_an_exit_code(host: Host) -> None:
    assert host.run("kill -9 $$").rc in (-9, 137)


def test_encoding(host: Host) -> None:
    assert host.check_output("echo %s | tee /tmp/s.txt", "ťēꞩƫ") == "ťēꞩƫ"
    assert host.file("/tmp/s.txt").content_string.strip() == "ťēꞩƫ"
    assert "/é" in host.run("ls -l %s", "/é").stderr


def test_bytes_that_are_not_utf8_come_through(host: Host) -> None:
    out = host.run(r"printf '\351\0\377'; printf '\340' >&2")
    assert out.stdout_bytes == b"\xe9\0\xff"
    assert out.stderr_bytes == b"\xe0"
    assert out.stdout == "\udce9\0\udcff"


def test_names_of_files_that_are_not_utf8(host: Host) -> None:
    host.check_output(r"""mkdir -p /tmp/names && touch "/tmp/names/$(printf '\351')" """)
    name = host.check_output("ls --quoting-style=literal --show-control-chars /tmp/names")
    assert name == "\udce9"
    assert host.run("test -e %s", f"/tmp/names/{name}").succeeded
    assert host.file(f"/tmp/names/{name}").is_file


def test_three_megabytes_on_both_streams(host: Host) -> None:
    """Beyond every pipe's and channel's buffer, both at once: a backend must read both."""
    program = (
        f"import sys; sys.stdout.write('a' * {_MEGABYTES}); sys.stderr.write('b' * {_MEGABYTES})"
    )
    out = host.run("python3 -c %s", program)
    assert (len(out.stdout), len(out.stderr)) == (_MEGABYTES, _MEGABYTES)
    assert (set(out.stdout), set(out.stderr)) == ({"a"}, {"b"})


def test_three_megabytes_on_one_stream(host: Host) -> None:
    text = host.check_output("python3 -c %s", f"print('a' * {_MEGABYTES})")
    assert len(text) == _MEGABYTES


def test_standard_input_is_empty(host: Host) -> None:
    assert host.check_output("cat | wc -c") == "0"


def test_users(host: Host) -> None:
    assert host.user().name == "root"
    with host.sudo():
        assert host.user().name == "root"
        with host.sudo("nobody"):
            assert host.user().name == "nobody"
            assert host.check_output("printf %s %s", "%s", "it's") == "it's"
        assert host.user().name == "root"
    assert host.user().name == "root"


def test_a_user_has_a_home_and_no_more_rights_than_their_own(host: Host) -> None:
    with host.sudo("ops"):
        assert host.check_output("echo $HOME $USER $LOGNAME") == "/home/ops ops ops"
        assert host.check_output("id -Gn") == host.user("ops").groups[0]
        assert host.run("cat /etc/shadow").rc == 1
        with pytest.raises(AssertionError, match="Unexpected exit code 2"):
            host.check_output("ls /root/nothing")
    assert host.run("cat /etc/shadow").succeeded


def test_from_one_user_to_another_by_what_sudo_allows(host: Host) -> None:
    with host.sudo("ops"):
        with host.sudo():
            assert host.user().name == "root"
            with host.sudo("nobody"):
                assert host.user().name == "nobody"
        with host.sudo("nobody"):
            assert host.user().name == "nobody"
            with host.sudo():
                denied = host.run("id -un")
                assert denied.rc == 1
                assert "sudo: " in denied.stderr
        assert host.user().name == "ops"


def test_a_user_who_does_not_exist(host: Host) -> None:
    with host.sudo("no-such-user"):
        assert host.run("true").failed


def test_identity(host: Host) -> None:
    assert host.backend.get_connection_type() == "provision"
    assert host.backend.get_pytest_id() == "provision://h1"
    assert host.backend.get_hostname() == "h1"


def test_modules(host: Host) -> None:
    assert host.system_info.type == "linux"
    assert host.system_info.distribution == "debian"
    assert host.package("openssh-server").is_installed
    assert host.package("openssh-server").version
    assert not host.package("no-such-package").is_installed
    assert host.service("ssh").is_running
    assert not host.service("no-such-service").is_running
    assert host.socket("tcp://0.0.0.0:22").is_listening
    assert not host.socket("tcp://0.0.0.0:7").is_listening
    assert host.process.filter(comm="sshd") != [] or host.process.filter(user="root") != []
    assert host.sysctl("kernel.ostype") == "Linux"
    assert host.mount_point("/").exists
    assert host.group("root").gid == 0
    assert host.user("ops").exists
    assert host.exists("python3")
    assert host.find_command("python3") == "/usr/bin/python3"


def test_files(host: Host) -> None:
    host.check_output(
        "umask 022; mkdir -p '/tmp/a b' && printf x > '/tmp/a b/c' && ln -sf c '/tmp/a b/d'"
    )
    file = host.file("/tmp/a b/c")
    assert file.is_file
    assert (file.user, file.group, file.mode, file.size) == ("root", "root", 0o644, 1)
    assert file.content == b"x"
    assert file.sha256sum == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert host.file("/tmp/a b/d").linked_to == "/tmp/a b/c"
    assert host.file("/tmp/a b").listdir() == ["c", "d"]
    assert not host.file("/tmp/no").exists
