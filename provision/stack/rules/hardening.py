"""Rules about what a container may do, and how much of the host it may take."""

from __future__ import annotations

from collections.abc import Iterator

from provision.stack.finding import RULES, Problem, Service, rule

_ROTATING = {
    "local",
    "journald",
    "none",
    "syslog",
    "awslogs",
    "gcplogs",
    "fluentd",
    "gelf",
    "splunk",
}


@rule("root-user")
def root_user(service: Service) -> Iterator[Problem]:
    """Root in a container is root on the host, one kernel fault away."""
    user = str(service.spec.get("user", "")).partition(":")[0]
    if user in {"", "0", "root"}:
        yield Problem(
            "runs as root" if user else "does not say which user it runs as, often root",
            "set `user` to a numeric uid:gid",
        )


@rule("read-only-root")
def read_only_root(service: Service) -> Iterator[Problem]:
    """What cannot be written cannot be replaced by an intruder."""
    if service.spec.get("read_only") is not True:
        yield Problem(
            "can write to its image's files", "set `read_only: true`, and `tmpfs: [/tmp]`"
        )


@rule("capabilities")
def capabilities(service: Service) -> Iterator[Problem]:
    """Docker's default capabilities are more than any of these services needs."""
    if "ALL" not in [str(name).upper() for name in service.items("cap_drop")]:
        yield Problem("keeps capabilities that it does not need", "set `cap_drop: [ALL]`")


@rule("added-capability")
def added_capability(service: Service) -> Iterator[Problem]:
    """Every capability that is given back needs a reason."""
    added = service.items("cap_add")
    if added:
        yield Problem(
            f"adds {', '.join(map(str, added))}", "remove it, or say why: x-allow added-capability"
        )


@rule("no-new-privileges")
def no_new_privileges(service: Service) -> Iterator[Problem]:
    """A setuid program in the image must not make anybody root."""
    options = {str(option).replace("=", ":") for option in service.items("security_opt")}
    if not options & {"no-new-privileges", "no-new-privileges:true"}:
        yield Problem(
            "may gain privileges by setuid programs",
            'set `security_opt: ["no-new-privileges:true"]`',
        )


@rule("privileged")
def privileged(service: Service) -> Iterator[Problem]:
    """A privileged container is the host."""
    if service.spec.get("privileged"):
        yield Problem("is privileged", "name the devices or capabilities that it needs")


@rule("host-network")
def host_network(service: Service) -> Iterator[Problem]:
    """On the host's network every port that is bound is open, and every local service reachable."""
    if service.spec.get("network_mode") == "host":
        yield Problem("is on the host's network", "publish ports, or say why: x-allow host-network")


@rule("host-pid")
def host_pid(service: Service) -> Iterator[Problem]:
    """The host's processes show their arguments and environment."""
    for key in ("pid", "ipc", "userns_mode"):
        if service.spec.get(key) == "host":
            yield Problem(
                f"shares the host's `{key}` namespace", "remove it, or say why: x-allow host-pid"
            )


@rule("memory-limit")
def memory_limit(service: Service) -> Iterator[Problem]:
    """A leak must end the container, not the host."""
    limits = service.mapping("deploy", "resources", "limits")
    if not (service.spec.get("mem_limit") or limits.get("memory")):
        yield Problem("may take all of the host's memory", "set `mem_limit`")


@rule("cpu-limit")
def cpu_limit(service: Service) -> Iterator[Problem]:
    """A busy loop must not starve its neighbours; `cpus: 0` says that all are meant."""
    limits = service.mapping("deploy", "resources", "limits")
    if "cpus" not in service.spec and "cpus" not in limits:
        yield Problem("may take all of the host's CPUs", "set `cpus`; 0 means all", "warning")


@rule("pids-limit")
def pids_limit(service: Service) -> Iterator[Problem]:
    """A fork bomb must not take the host's process table."""
    limits = service.mapping("deploy", "resources", "limits")
    if not (service.spec.get("pids_limit") or limits.get("pids")):
        yield Problem("may start processes without limit", "set `pids_limit`")


@rule("log-rotation")
def log_rotation(service: Service) -> Iterator[Problem]:
    """Docker's default driver never removes a line: logs fill the disk."""
    logging = service.mapping("logging")
    if logging.get("driver") in _ROTATING:
        return
    if not service.mapping("logging", "options").get("max-size"):
        yield Problem(
            "its log grows until the disk is full",
            'set `logging: {driver: json-file, options: {max-size: 20m, max-file: "5"}}`',
        )


@rule("restart-policy")
def restart_policy(service: Service) -> Iterator[Problem]:
    """Without one the service is gone after a reboot."""
    if "restart" not in service.spec:
        yield Problem(
            "does not come back after a crash or a reboot",
            'set `restart: unless-stopped`, or `restart: "no"` for what runs once',
        )


@rule("allow")
def allow(service: Service) -> Iterator[Problem]:
    """An exception names a rule and a reason."""
    for name, reason in service.mapping("x-allow").items():
        if name not in RULES:
            yield Problem(f"x-allow names no rule: {name!r}", "docs/stack.md lists the rules")
        elif not str(reason or "").strip():
            yield Problem(f"x-allow: {name} gives no reason", "say in a few words why it is needed")
