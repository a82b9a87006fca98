"""The forty resources of site.yml for pyinfra."""

from __future__ import annotations

from pyinfra.operations import apt, files, server, systemd

ROOT = "/srv/bench"

for name in ("bench", "benchro"):
    server.group(name=f"group {name}", group=name, system=True, _sudo=True)
for name in ("bench", "benchro"):
    server.user(
        name=f"user {name}",
        user=name,
        group=name,
        system=True,
        home=ROOT,
        shell="/usr/sbin/nologin",
        create_home=False,
        ensure_home=False,
        _sudo=True,
    )
for name in ("bin", "cache", "conf", "data", "logs", "run", "spool", "tmp"):
    files.directory(
        name=f"directory {name}",
        path=f"{ROOT}/{name}",
        user="bench",
        group="bench",
        mode="750",
        _sudo=True,
    )
for number in range(1, 9):
    files.put(
        name=f"service {number}",
        src="files/service.conf",
        dest=f"{ROOT}/conf/service-{number}.conf",
        user="root",
        group="bench",
        mode="640",
        _sudo=True,
    )
for number in range(1, 7):
    files.template(
        name=f"unit {number}",
        src="templates/unit.conf.j2",
        dest=f"{ROOT}/conf/unit-{number}.conf",
        user="root",
        group="bench",
        mode="640",
        number=number,
        root=ROOT,
        jinja_env_kwargs={"trim_blocks": True},
        _sudo=True,
    )
for name, target in (("current", "data"), ("log", "logs")):
    files.link(name=f"link {name}", path=f"{ROOT}/{name}", target=f"{ROOT}/{target}", _sudo=True)
for name, value in (
    ("memlock", "unlimited"),
    ("nofile", "65536"),
    ("nproc", "4096"),
    ("stack", "8192"),
):
    files.line(
        name=f"limit {name}",
        path="/etc/environment.bench",
        line=f"^{name}=.*$",
        replace=f"{name}={value}",
        _sudo=True,
    )
for name in ("ca-certificates", "iproute2", "openssl", "procps"):
    apt.packages(name=f"package {name}", packages=[name], _sudo=True)
systemd.service(name="service ssh", service="ssh.service", running=True, enabled=True, _sudo=True)
for name in ("dbus", "systemd-journald", "systemd-logind"):
    systemd.service(name=f"service {name}", service=f"{name}.service", running=True, _sudo=True)
