"""Hosts that are as they should be, described; and what is changed about them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from provision.agent.resource import Query
from provision.engine.events import EventBus
from provision.engine.fleet import Fleet
from provision.engine.options import RunOptions
from provision.errors import UnreachableError
from provision.inventory.inventory import Inventory
from provision.source import parse_yaml
from provision.stack.render import ComposeProject, render_role
from provision.stack.roles import roles_of
from provision.templating import Templater
from provision.verify.target import Completed, Target

DRIVER = "570.172.08"

# A command whose text contains the first word or words is answered with the second.
COMMANDS = {
    "systemctl show": "\n\n".join(
        f"Id={name}.service\nLoadState=loaded\nActiveState=active\nSubState=running\n"
        "UnitFileState=enabled"
        for name in ("docker", "chrony", "nvidia-persistenced", "nvidia-fabricmanager")
    ),
    "dpkg-query": "hi  docker-ce 5:28.3\nhi  docker-ce-cli 5:28.3\nhi  containerd.io 1.7\n"
    f"hi  nvidia-open {DRIVER}-1\nun  docker.io \n",
    "daemon.json": json.dumps({"log-opts": {"max-size": "20m"}, "live-restore": True}),
    "cli-plugins": "/usr/libexec/docker/cli-plugins/docker-compose\n",
    "systemd-detect-virt": {"rc": 1, "stdout": "none\n"},
    "getent passwd": "generals:x:10001:10001::/var/lib/generals:/usr/sbin/nologin\n",
    "-- /opt/generals": "755 0 0 /opt/generals\n755 10001 10001 /var/lib/generals\n"
    "700 0 0 /var/lib/provision\n",
    "journald.conf": "[Journal]\n#SystemMaxUse=\nSystemMaxUse=1G\n",
    "apt-config": 'Unattended-Upgrade::Package-Blacklist:: "^docker";\n'
    'Unattended-Upgrade::Package-Blacklist:: "^containerd";\n'
    'Unattended-Upgrade::Package-Blacklist:: "^nvidia";\n'
    'Unattended-Upgrade::Package-Blacklist:: "^linux-image";\n',
    "ss -H": 'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=9,fd=3))\n'
    'tcp LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=9,fd=4))\n'
    "tcp LISTEN 0 128 10.0.0.1:9090 0.0.0.0:*\n"
    'tcp LISTEN 0 128 127.0.0.1:631 0.0.0.0:* users:(("cupsd",pid=8,fd=3))\n'
    'udp UNCONN 0 0 0.0.0.0%eth0:68 0.0.0.0:* users:(("dhclient",pid=7,fd=3))\n',
    "sys/bus/pci": "0000:07:00.0 0x030200\n0000:08:00.0 0x030200\n0000:09:00.0 0x068000\n",
    "nvidia-smi": f"0, NVIDIA H100, {DRIVER}, Enabled, 0, Disabled\n"
    f"1, NVIDIA H100, {DRIVER}, Enabled, 0, Disabled\n",
    "driver/nvidia/version": f"NVRM version: NVIDIA UNIX Open Kernel Module  {DRIVER}  Release\n"
    "GCC version:  gcc version 12.2.0\n",
    "nv-fabricmanager": f"Fabric Manager version is : {DRIVER}\n",
    "etc/cdi": f"  hostPath: /usr/lib/x86_64-linux-gnu/libcuda.so.{DRIVER}\n",
    "Xid": "",
    "modinfo": f"6.8.0-60-generic {DRIVER}\n",
    "libcuda": "2 0 0 0 0\n",
    "root/dev/nvidia": "/proc/1/root/dev/nvidia0 /proc/1/root/dev/nvidia1\n",
    "docker image inspect -f": "sha256:1f 1\n",
    "/cgroup": "0::/\n",
}


@dataclass
class Changes:
    """What is otherwise on one host; all keys are parts of the full text.

    Args:
        commands: the output instead, or ``{rc, stdout, stderr}``.
        containers: path -> value in what Docker says of it, or None: it is not there.
        grpc, tcp: answers instead; those of ``urls`` are bodies, or None for no answer.
        variables: of the inventory, instead.
        clock: seconds that it is ahead.
        lost: whether the connection breaks at the first question.

    """

    commands: dict[str, Any] = field(default_factory=dict)
    containers: dict[str, Any] = field(default_factory=dict)
    strangers: list[dict[str, Any]] = field(default_factory=list)
    grpc: dict[str, str] = field(default_factory=dict)
    urls: dict[str, Any] = field(default_factory=dict)
    tcp: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    clock: float = 0.0
    lost: bool = False
    docker: str = ""


class DescribedHost:
    """Answers as a host would."""

    def __init__(self, name: str, changes: Changes) -> None:
        self.name = name
        self.changes = changes
        self.groups = inventory().hosts[name].groups
        self.asked: list[str] = []
        self.variables = Templater({**fleet().context(name), **changes.variables}).view()

    def target(self) -> Target:
        return Target(self.name, self.groups, self.variables, self.execute, self.ask)

    def execute(self, command: str) -> Completed:
        self.asked.append(command)
        answer = _matching(command, {**COMMANDS, **self.changes.commands}, self.changes.commands)
        if answer is None:
            return Completed(0, self._stat(command), "")
        if isinstance(answer, str):
            return Completed(0, answer, "")
        return Completed(answer.get("rc", 0), answer.get("stdout", ""), answer.get("stderr", ""))

    def _stat(self, command: str) -> str:
        """Answer for the stack's secrets, whose paths hold digests."""
        assert command.startswith("stat "), f"nobody described the answer to {command!r}"
        paths = command.partition(" -- ")[2].removesuffix(" 2>/dev/null || true").split()
        return "".join(f"{'660' if 'sock' in path else '400'} 0 0 {path}\n" for path in paths)

    def ask(self, query: Query) -> Mapping[str, Any]:
        if self.changes.lost:
            raise UnreachableError(f"host {self.name}: the connection was lost")
        fields = query.fields()
        answer: dict[str, Any] = {
            "time": time.time() + self.changes.clock,
            "commands": {it: vars(self.execute(it)) for it in fields.get("commands", ())},
            "grpc": {it: self._grpc(it) for it in fields.get("grpc", ())},
            "urls": {it: self._url(it) for it in fields.get("urls", ())},
            "tcp": {it: self._tcp(it) for it in fields.get("tcp", ())},
        }
        if self.changes.docker:
            answer["containers_error"] = self.changes.docker
        elif fields.get("containers"):
            answer["containers"] = [*self._containers(), *self.changes.strangers]
        return answer

    def _grpc(self, place: str) -> str:
        return self.changes.grpc.get(place, "SERVING")

    def _tcp(self, place: str) -> dict[str, str]:
        port = place.rpartition(":")[2]
        usual = {"6379": "-NOAUTH Authentication required.\r\n", "3000": "HTTP/1.0 401 No\r\n"}
        return {"reply": self.changes.tcp.get(port, usual[port])}

    def _url(self, url: str) -> dict[str, Any]:
        changed = _matching(url, self.changes.urls, self.changes.urls)
        if isinstance(changed, list):  # one after the other
            changed = changed.pop(0) if len(changed) > 1 else changed[0]
        if changed and "refused" in changed:
            return {"status": 400, "body": json.dumps({"error": changed["refused"]})}
        if changed is not None:
            return (
                {"status": 200, "body": json.dumps({"data": changed})}
                if changed
                else {"error": "connection refused"}
            )
        return {"status": 200, "body": json.dumps({"data": self._prometheus(url)})}

    def _prometheus(self, url: str) -> dict[str, Any]:
        files = {file.path: file for file in project(self.name, "monitoring").files}
        if "alertmanagers" in url:
            return {"activeAlertmanagers": [{"url": "http://alertmanager:9093"}]}
        if "rules" in url:
            contents = [parse_yaml(f.content) for path, f in files.items() if "/rules/" in path]
            return {"groups": [_group(it) for content in contents for it in content["groups"]]}  # type: ignore[index]
        config: Any = parse_yaml(files["prometheus/prometheus.yml"].content)
        if "query=" in url:
            return {"result": [{"metric": it["labels"]} for it in _targets(config)]}
        return {"activeTargets": _targets(config)}

    def _containers(self) -> list[dict[str, Any]]:
        found = []
        for role in roles_of(self.groups):
            rendered = project(self.name, role)
            for name, service in rendered.services.items():
                changes = self.changes.containers.get(name, {})
                if changes is not None:
                    found.append(_changed(_inspected(rendered, name, service), changes))
        return found


def _targets(config: Any) -> list[dict[str, Any]]:
    return [
        {
            "labels": {"job": job["job_name"], "instance": target},
            "health": "up",
            "lastScrape": "2026-11-01T00:00:00.123456789Z",
        }
        for job in config["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    ]


def _matching(text: str, answers: Mapping[str, Any], first: Mapping[str, Any]) -> Any:
    """Return the answer to a text that contains the key; those of ``first`` win."""
    keys = [*first, *answers]
    return next((answers[key] for key in keys if key in text), None)


def _group(group: Mapping[str, Any]) -> dict[str, Any]:
    rules = [
        {"name": rule.get("alert") or rule.get("record"), "health": "ok"} for rule in group["rules"]
    ]
    return {"name": group["name"], "rules": rules}


def _changed(inspected: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = inspected
        for parent in parents:
            place = place[parent]
        place[last] = value
    return inspected


def _inspected(rendered: ComposeProject, name: str, service: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Docker says of a container that Compose has made of a service."""
    ports = [port for port in service.get("ports", ()) if port.get("published")]
    return {
        "Id": f"{rendered.name}-{name}-id",
        "Image": "sha256:1f",
        "Name": f"/{rendered.name}-{name}-1",
        "RestartCount": 0,
        "State": {
            "Status": "running",
            "Health": {"Status": "healthy", "Log": []} if service.get("healthcheck") else None,
            "ExitCode": 0,
            "OOMKilled": False,
            "Pid": 1,
            "StartedAt": time.strftime("%Y-%m-%dT%H:%M:%S.5Z", time.gmtime()),
        },
        "Config": {
            "Image": f"{service['image'].partition('@')[0]}@sha256:0f",
            "User": service.get("user", ""),
            "Labels": {
                "com.docker.compose.project": rendered.name,
                "com.docker.compose.service": name,
                "com.docker.compose.oneoff": "False",
            },
        },
        "HostConfig": {
            "ReadonlyRootfs": service.get("read_only", False),
            "SecurityOpt": service.get("security_opt"),
            "CapDrop": service.get("cap_drop"),
            "CapAdd": service.get("cap_add"),
            "Privileged": False,
            "NetworkMode": service.get("network_mode", "bridge"),
            "PidMode": service.get("pid", ""),
            "IpcMode": "private",
            "Memory": 1 << 30 if service.get("mem_limit") else 0,
            "PidsLimit": service.get("pids_limit"),
            "LogConfig": {
                "Type": service["logging"]["driver"],
                "Config": service["logging"]["options"],
            },
        },
        "NetworkSettings": {
            "Ports": {
                f"{port['target']}/tcp": [
                    {"HostIp": port["host_ip"], "HostPort": str(port["published"])}
                ]
                for port in ports
            },
            "Networks": {"default": {"IPAddress": "172.18.0.2"}},
        },
    }


@cache
def inventory() -> Inventory:
    return Inventory.load([Path(__file__).with_name("cluster.yml")])


@cache
def fleet() -> Fleet:
    return Fleet(inventory(), RunOptions(), EventBus())


@cache
def project(host: str, role: str) -> ComposeProject:
    return render_role(role, fleet().context(host))


def described(changes: Mapping[str, Changes] | None = None) -> list[DescribedHost]:
    """Return the hosts of ``cluster.yml``, all well but for ``changes``."""
    return [DescribedHost(name, (changes or {}).get(name, Changes())) for name in inventory().hosts]
