"""Files of a real file system: atomic, never readable too early, no leftovers."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.agent.failure import Failure, NotThereYet
from provision.agent.resource import converge
from provision.agent.resources.copy import Copy
from provision.agent.resources.directory import Directory
from provision.agent.resources.file import File
from provision.agent.resources.link import Link
from provision.agent.system import System

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def put(system: System, **fields: object) -> str:
    return converge(Copy(**fields), system, check=False, pending=False).status  # type: ignore[arg-type]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_written_once(tmp_path: Path) -> None:
    path = tmp_path / "f"
    fields = {"dest": str(path), "content": "ü\udcff\n", "mode": 0o640}
    assert [put(System(), **fields) for _ in range(2)] == ["changed", "ok"]
    assert path.read_bytes() == "ü\n".encode().replace(b"\n", b"\xff\n")
    assert mode(path) == 0o640


def test_a_new_file_has_a_mode_of_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        put(System(), dest=str(tmp_path / "f"), content="x")
    finally:
        os.umask(old)
    assert mode(tmp_path / "f") == 0o640


def killed_while_writing(path: Path, **fields: object) -> None:
    """Run a Copy in a process that is killed in the middle of its content."""
    code = f"""
        import os, signal
        from provision.agent.resources.copy import Copy
        from provision.agent.system import System
        def contents(sha256):
            yield b"half"
            os.kill(os.getpid(), signal.SIGKILL)
        system = System()
        system.fetch_content = contents
        Copy(dest={str(path)!r}, sha256="0" * 64, **{fields!r}).fix(system, {{"content": None}})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_kill_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    killed_while_writing(path, mode=0o644)
    assert path.read_text() == "old"
    (leftover,) = set(tmp_path.iterdir()) - {path}
    assert mode(leftover) == 0o600
    put(System(), dest=str(path), content="new")
    assert names(tmp_path) == ["f"]
    assert path.read_text() == "new"


def test_a_kill_before_the_rename_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    code = f"""
        from provision.agent.system import System
        System().write({str(path)!r}, b"new", validate="sh -c 'kill -9 $PPID' %s")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert path.read_text() == "old"
    put(System(), dest=str(path), content="new")
    assert names(tmp_path) == ["f"]


def test_mode_is_final_before_the_name_is(tmp_path: Path) -> None:
    path = tmp_path / "f"
    seen = tmp_path / "seen"
    validate = f"sh -c 'stat -c %a:%n $0 > {seen}' %s"
    put(System(), dest=str(path), content="x", mode=0o604, validate=validate)
    candidate_mode, _, name = seen.read_text().strip().partition(":")
    assert candidate_mode == "604"
    assert name != str(path)


def test_what_is_not_valid_is_not_put_in_place(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    with pytest.raises(Failure) as caught:
        put(System(), dest=str(path), content="new", validate="sh -c 'echo bad; exit 3' %s")
    assert caught.value.log == ("bad",)
    assert names(tmp_path) == ["f"]
    assert path.read_text() == "old"


def test_a_backup_keeps_mode_and_content(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    path.chmod(0o600)
    put(System(), dest=str(path), content="new", backup=True)
    (backup,) = set(tmp_path.iterdir()) - {path}
    assert (backup.read_text(), mode(backup)) == ("old", 0o600)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotThereYet, match=f"there is no directory {tmp_path}/no"):
        put(System(), dest=str(tmp_path / "no" / "f"), content="x")


def test_large_and_binary_content_is_compared_by_hash(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(os.urandom(300_000))
    resource = Copy(dest=str(path), content="short")
    outcome = converge(resource, System(), check=True, pending=False)
    assert set(outcome.difference) == {"sha256"}
    expected = hashlib.sha256(b"short").hexdigest()
    assert outcome.difference["sha256"].expected == expected


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("needs root, and to be allowed to mount")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_leaves_the_old_file(small_disk: Path) -> None:
    path = small_disk / "f"
    path.write_text("old")
    with pytest.raises(Failure, match="No space left on device") as caught:
        put(System(), dest=str(path), content="x" * 200_000)
    assert "free some space" in caught.value.hint
    assert names(small_disk) == ["f"]
    assert path.read_text() == "old"


@as_root
def test_owner_and_group_are_kept_and_set(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    os.chown(path, 12, 34)
    put(System(), dest=str(path), content="new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)
    put(System(), dest=str(path), content="new", owner="0", group="root")
    assert (path.stat().st_uid, path.stat().st_gid) == (0, 0)


@as_root
def test_changing_the_owner_keeps_the_set_user_id_bit(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    path.chmod(0o755)
    resource = File(path=str(path), mode=0o4755, owner="12345")
    assert converge(resource, System(), check=False, pending=False).status == "changed"
    assert mode(path) == 0o4755
    assert converge(resource, System(), check=False, pending=False).status == "ok"


def test_a_link_is_replaced_or_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    link = tmp_path / "link"
    link.symlink_to("target")
    put(System(), dest=str(link), content="new", follow=True)
    assert link.is_symlink()
    assert (tmp_path / "target").read_text() == "new"
    put(System(), dest=str(link), content="newer")
    assert not link.is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_a_directory_with_parents_of_its_mode(tmp_path: Path) -> None:
    resource = Directory(path=str(tmp_path / "a" / "b"), mode=0o750)
    statuses = [converge(resource, System(), check=False, pending=False).status for _ in "12"]
    assert statuses == ["changed", "ok"]
    assert [mode(tmp_path / "a"), mode(tmp_path / "a" / "b")] == [0o750, 0o750]


@pytest.mark.parametrize(("given", "expected"), [(None, 0o755), (0o755, 0o755), (0o1777, 0o1777)])
def test_a_directory_has_its_mode_from_the_first_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: int | None, expected: int
) -> None:
    """A kill right after it was made leaves nothing that a later run would take for wanted."""

    def too_late(*_: object) -> None:
        raise AssertionError("it had another mode before")

    monkeypatch.setattr(os, "chmod", too_late)
    mask = os.umask(0o077)
    try:
        System().make_directory(str(tmp_path / "made"), given)
    finally:
        os.umask(mask)
    assert mode(tmp_path / "made") == expected


def test_a_directory_gets_the_set_group_id_bit(tmp_path: Path) -> None:
    System().make_directory(str(tmp_path / "shared"), 0o2770)
    System().make_directory(str(tmp_path / "shared" / "inside"))
    assert (mode(tmp_path / "shared"), mode(tmp_path / "shared" / "inside")) == (0o2770, 0o2755)


def test_links_are_switched_in_one_step(tmp_path: Path) -> None:
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        resource = Link(path=str(tmp_path / "current"), src=name)
        assert converge(resource, System(), check=False, pending=False).status == "changed"
    assert (tmp_path / "current").readlink() == Path("2")
    assert names(tmp_path) == ["1", "2", "current"]


def test_a_hard_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    resource = Link(path=str(tmp_path / "b"), src=str(tmp_path / "a"), hard=True)
    statuses = [converge(resource, System(), check=False, pending=False).status for _ in "12"]
    assert statuses == ["changed", "ok"]
    assert (tmp_path / "a").samefile(tmp_path / "b")


def test_removal_of_a_tree_stops_at_links(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "f").write_text("x")
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "link").symlink_to(tmp_path / "kept")
    resource = Directory(path=str(tmp_path / "gone"), state="absent")
    assert converge(resource, System(), check=False, pending=False).status == "changed"
    assert names(tmp_path) == ["kept"]
    assert names(tmp_path / "kept") == ["f"]


@as_root
def test_a_directory_may_prescribe_the_group_of_what_is_made_in_it(tmp_path: Path) -> None:
    os.chown(tmp_path, -1, 4)
    tmp_path.chmod(0o2755)
    inside, file = tmp_path / "inside", tmp_path / "inside" / "file"
    system = System()
    converge(Directory(path=str(inside)), system, check=False, pending=False)
    put(system, dest=str(file), content="x", owner="1")
    assert (mode(inside), inside.stat().st_gid) == (0o2755, 4)
    assert (file.stat().st_uid, file.stat().st_gid) == (1, 4)
    put(system, dest=str(file), content="y", group="0")
    assert file.stat().st_gid == 0


def test_an_existing_directory_may_keep_what_it_has(tmp_path: Path) -> None:
    kept, made = tmp_path / "kept", tmp_path / "made"
    kept.mkdir(mode=0o700)
    for path in (kept, made):
        resource = Directory(path=str(path), mode=0o711, keep_existing=True)
        for expected in ("changed" if path == made else "ok", "ok"):
            outcome = converge(resource, System(), check=False, pending=False)
            assert outcome.status == expected
    assert (mode(kept), mode(made)) == (0o700, 0o711)
