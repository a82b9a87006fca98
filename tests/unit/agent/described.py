"""A host described by data, so that the logic of resources is tested without one.

The description, all parts optional:

    files: {path: text, or {type: file|directory|link, content, mode, owner, group, target}}
    users: {name: {uid, gid, home, shell, comment, password}}     become /etc/passwd, /etc/shadow
    groups: {name: {gid, members: [name]}}                        become /etc/group
    programs: {"argv joined by spaces": {rc, stdout, stderr, files: {path: what it leaves}}}
    urls: {address: text}                         others answer 404
    nodename: the host's name
    disks: {path: available bytes}
    addresses: {network interface: [IPv4 address, netmask]}
    sockets: {path or host:port: {"GET /path?query", or a part of it: answer}}, an answer being
        {status, headers, body or json}
    contents: [text that the controller would send when asked for its hash]

Parents of a described path are directories. A program that is not described cannot be run, and the
test says which one was missing. A program's ``files`` are what it writes (null: removes); a list of
answers in place of one is used up from the front, the last one staying.
"""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname, join, normpath, split
from typing import Any

from provision.agent import system as real
from provision.agent.failure import Failure, NotThereYet
from provision.agent.file_errors import file_failure
from provision.agent.process import Completed
from provision.agent.system import FileStatus, System

PARTS = {"files", "users", "groups", "programs", "urls", "contents"}
PARTS |= {"nodename", "disks", "addresses", "sockets"}


@dataclass
class Node:
    """One file, directory or link; two paths with the same node are hard links."""

    type: str = "file"
    content: bytes = b""
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    target: str = ""
    modified: float = 0.0  # Unix seconds

    @classmethod
    def of(cls, description: str | Mapping[str, Any]) -> Node:
        """Read a node from a case file: a text is a regular file with that content."""
        fields: dict[str, Any]
        fields = {"content": description} if isinstance(description, str) else dict(description)
        fields.setdefault("type", "link" if "target" in fields else "file")
        modes = {"directory": 0o755, "link": 0o777}
        fields.setdefault("mode", modes.get(fields["type"], 0o644))
        fields["content"] = fields.get("content", "").encode("utf-8", "surrogateescape")
        return cls(**fields)

    def described(self) -> dict[str, Any]:
        """Return what ``of`` reads."""
        text = self.content.decode("utf-8", "surrogateescape")
        return {**self.__dict__, "content": text}


class DescribedSystem(System):
    """A host that is its description; ``ran`` lists what was run on it, in order."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        super().__init__()
        unknown = set(description) - PARTS
        assert not unknown, f"a system has no {sorted(unknown)}"
        self.nodes: dict[str, Node] = {"/": Node("directory", mode=0o755)}
        self.ran: list[str] = []
        self.requested: list[str] = []
        self._machine = {key: description.get(key) or {} for key in ("disks", "addresses")}
        self._nodename = description.get("nodename", "host")
        self._sockets = description.get("sockets") or {}
        self._programs = dict(description.get("programs", {}))
        self._urls = dict(description.get("urls", {}))
        self._contents = [text.encode() for text in description.get("contents", [])]
        self.fetch_content = self._fetch_described
        for path, text in account_files(description).items():
            self.put(path, text)
        for path, node in (description.get("files") or {}).items():
            self.put(path, node)

    def put(self, path: str, description: str | Mapping[str, Any] | None) -> None:
        """Make ``path`` what is described, with its parents; None removes it."""
        if description is None:
            self.remove(path)
            return
        parent = dirname(path)
        while parent not in self.nodes:
            self.nodes[parent] = Node("directory", mode=0o755)
            parent = dirname(parent)
        self.nodes[path] = Node.of(description)

    # -- files ------------------------------------------------------------------------------

    def stat(self, path: str) -> FileStatus | None:
        node = self.nodes.get(self._place(path))
        if node is None:
            return None
        size = len(node.content)
        return FileStatus(node.type, node.mode, node.owner, node.group, size, node.target)

    def exists(self, path: str) -> bool:
        return self.resolve(path) in self.nodes

    def modified(self, path: str) -> float | None:
        node = self.nodes.get(self.resolve(path))
        return None if node is None else node.modified

    def fingerprint(self, path: str) -> str | None:
        return self.sha256(path)

    def read(self, path: str) -> bytes | None:
        node = self.nodes.get(self.resolve(path))
        return node.content if node is not None and node.type == "file" else None

    def listdir(self, path: str) -> list[str]:
        inside = self.resolve(path).rstrip("/") + "/"
        names = (place[len(inside) :] for place in self.nodes if place.startswith(inside))
        return sorted(name for name in names if name and "/" not in name)

    def glob(self, pattern: str) -> list[str]:
        depth = pattern.count("/")
        places = (place for place in self.nodes if place.count("/") == depth)
        return sorted(fnmatch.filter(places, pattern))

    def resolve(self, path: str) -> str:
        resolved = "/"
        for part in path.split("/"):
            resolved = normpath(join(resolved, part))
            node = self.nodes.get(resolved)
            if node is not None and node.type == "link":
                resolved = self.resolve(join(dirname(resolved), node.target))
        return resolved

    def sha256(self, path: str) -> str | None:
        content = self.read(path)
        return None if content is None else hashlib.sha256(content).hexdigest()

    def read_chunks(self, path: str) -> Iterator[bytes]:
        yield self.read(path) or b""

    def same_file(self, path: str, other: str) -> bool:
        node = self.nodes.get(self._place(path))
        return node is not None and node is self.nodes.get(self._place(other))

    def backup(self, path: str) -> str:
        self.nodes[path + ".backup~"] = Node(**self.nodes[self.resolve(path)].__dict__)
        return path + ".backup~"

    def write_chunks(
        self,
        path: str,
        chunks: Iterable[bytes],
        *,
        mode: int | None = None,
        owner: str | None = None,
        group: str | None = None,
        validate: str | None = None,
    ) -> None:
        path = self._place(path)
        content = b"".join(chunks)
        self._parent_must_exist(path)
        if validate is not None:
            self._validate(validate, "%s", path)
        old = self.nodes.get(self.resolve(path), Node())
        uid, gid = owner or old.owner, group or old.group
        new_owner, new_group = (self.owner_name(self.user_id(uid)), self.group_id(gid))
        bits = old.mode if mode is None else mode
        self.nodes[path] = Node("file", content, bits, new_owner, self.group_name(new_group))

    def append_line(self, path: str, line: str) -> None:
        self.put(path, (self.read_text(path) or "") + line + "\n")

    def write_kernel(self, path: str, value: str) -> None:
        if path not in self.nodes:
            raise file_failure("write", path, FileNotFoundError(errno.ENOENT, "missing"))
        self.nodes[path].content = (value + "\n").encode()

    def make_directory(self, path: str, mode: int | None = None) -> None:
        self.put(self._place(path), {"type": "directory", "mode": 0o755 if mode is None else mode})

    def touch(self, path: str) -> None:
        self.nodes[self.resolve(path)].modified += 1

    def symlink(self, target: str, path: str) -> None:
        self._parent_must_exist(path)
        self.nodes[self._place(path)] = Node("link", mode=0o777, target=target)

    def hard_link(self, source: str, path: str) -> None:
        self._parent_must_exist(path)
        self.nodes[self._place(path)] = self.nodes[self._place(source)]

    def remove(self, path: str) -> None:
        place = self._place(path)
        del self.nodes[place]
        for inner in [other for other in self.nodes if other.startswith(place + "/")]:
            del self.nodes[inner]

    def set_mode(self, path: str, mode: int) -> None:
        self.nodes[self.resolve(path)].mode = mode

    def set_owner(self, path: str, owner: str | None, group: str | None) -> None:
        node = self.nodes[self._place(path)]
        if owner is not None:
            node.owner = self.owner_name(self.user_id(owner))
        if group is not None:
            node.group = self.group_name(self.group_id(group))

    def _place(self, path: str) -> str:
        """Return the path with the links in its directory followed, but not the last part."""
        directory, name = split(path.rstrip("/") or "/")
        return join(self.resolve(directory), name)

    def _parent_must_exist(self, path: str) -> None:
        if self.resolve(dirname(path)) not in self.nodes:
            raise file_failure("write", path, FileNotFoundError(errno.ENOENT, "missing"))

    def _fetch_described(self, sha256: str) -> Iterable[bytes]:
        return [text for text in self._contents if hashlib.sha256(text).hexdigest() == sha256]

    def download(
        self, url: str, *, headers: dict[str, str] | None = None, timeout: float = 30
    ) -> Iterator[bytes]:
        self.requested.append(url)
        if url not in self._urls:
            raise Failure(f"cannot get {url}: 404 Not Found")
        yield self._urls[url].encode()

    # -- accounts ---------------------------------------------------------------------------

    def owner_name(self, uid: int) -> str:
        return self._name_of("/etc/passwd", uid)

    def group_name(self, gid: int) -> str:
        return self._name_of("/etc/group", gid)

    def user_id(self, name: str) -> int:
        return self._id_of("/etc/passwd", name, "user")

    def group_id(self, name: str) -> int:
        return self._id_of("/etc/group", name, "group")

    def _name_of(self, file: str, number: int) -> str:
        entries = self._entries(file)
        return next((entry[0] for entry in entries if entry[2] == str(number)), str(number))

    def _id_of(self, file: str, name: str, noun: str) -> int:
        if name.isdigit():
            return int(name)
        for entry in self._entries(file):
            if entry[0] == name:
                return int(entry[2])
        raise NotThereYet(f"there is no {noun} {name!r}")

    def _entries(self, file: str) -> list[list[str]]:
        return [line.split(":") for line in (self.read_text(file) or "").splitlines()]

    # -- the machine ------------------------------------------------------------------------

    def uname(self) -> os.uname_result:
        return os.uname_result(("Linux", self._nodename, "6.12.0", "#1", "x86_64"))

    def disk(self, path: str) -> real.Disk | None:
        available = self._machine["disks"].get(path)
        return None if available is None else real.Disk(2 * available, available, 0, 0)

    def interface_address(self, name: str) -> tuple[str, str] | None:
        found = self._machine["addresses"].get(name)
        return None if found is None else (found[0], found[1])

    def connect(self, address: str | tuple[str, int], timeout: float) -> socket.socket:
        name = address if isinstance(address, str) else f"{address[0]}:{address[1]}"
        if name not in self._sockets:
            missing = FileNotFoundError if isinstance(address, str) else ConnectionRefusedError
            raise missing(errno.ENOENT, f"nothing is described at {name}")
        return answering(self._sockets[name], self.requested)

    # -- programs and addresses -------------------------------------------------------------

    def which(self, program: str) -> str | None:
        paths = [program] if "/" in program else [f"/usr/{d}/{program}" for d in ("sbin", "bin")]
        installed = next((path for path in paths if self.exists(path)), None)
        described = any(command.split()[0] == program for command in self._programs)
        return installed or ("/usr/bin/" + program if described else None)

    def run(
        self,
        argv: Sequence[str],
        *,
        input: bytes | None = None,
        env: dict[str, str] | None = None,
        cwd: str | None = None,
        timeout: float | None = None,
        live: bool = False,
        interruptible: bool = False,
    ) -> Completed:
        command = " ".join(argv)
        if input is not None:
            command += " <<< " + input.decode()
        self.ran.append(command)
        answers = self._programs.get(command)
        if answers is None:
            raise AssertionError(f"the case does not describe the program {command!r}")
        answer = answers[0] if isinstance(answers, list) else answers
        if isinstance(answers, list) and len(answers) > 1:
            answers.pop(0)
        for path, node in answer.get("files", {}).items():
            self.put(path, node)
        return Completed(answer.get("rc", 0), answer.get("stdout", ""), answer.get("stderr", ""))


def answering(answers: Mapping[str, Any], requested: list[str]) -> socket.socket:
    """Return a connection to a server that gives the first described answer that fits."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs:
            request = theirs.recv(65536).split(b"\r\n")[0].decode().removesuffix(" HTTP/1.0")
            requested.append(request)
            found = [answer for part, answer in answers.items() if part in request]
            answer = found[0] if found else {"status": 500, "body": f"not described: {request}"}
            body = answer.get("body", "") or json.dumps(answer.get("json"))
            head = [f"HTTP/1.0 {answer.get('status', 200)} described", *answer.get("headers", ())]
            theirs.sendall("\r\n".join([*head, "", body]).encode())

    threading.Thread(target=serve, daemon=True).start()
    return ours


def account_files(description: Mapping[str, Any]) -> dict[str, str]:
    """Return /etc/passwd, /etc/shadow and /etc/group for the described users and groups.

    Root is always there; a user without a described group gets one of its own name.
    """
    users = {"root": {"uid": 0, "gid": 0, "home": "/root", "shell": "/bin/bash"}}
    users.update(description.get("users") or {})
    groups: dict[str, Any] = {"root": {"gid": 0}, **(description.get("groups") or {})}
    passwd, shadow = [], []
    for name, user in users.items():
        gid = user.get("gid", user["uid"])
        if all(group["gid"] != gid for group in groups.values()):
            groups[name] = {"gid": gid}
        home, shell = user.get("home", f"/home/{name}"), user.get("shell", "/bin/sh")
        passwd.append(f"{name}:x:{user['uid']}:{gid}:{user.get('comment', '')}:{home}:{shell}\n")
        shadow.append(f"{name}:{user.get('password', '!')}:19000:0:99999:7:::\n")
    group_lines = [
        f"{name}:x:{group['gid']}:{','.join(group.get('members', []))}\n"
        for name, group in groups.items()
    ]
    return {
        "/etc/passwd": "".join(passwd),
        "/etc/shadow": "".join(shadow),
        "/etc/group": "".join(group_lines),
    }
