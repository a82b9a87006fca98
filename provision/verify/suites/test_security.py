"""Containers can do no more than they need, and secrets are read by no more than who needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from testinfra.host import Host

from provision.verify.container import Container
from provision.verify.demand import demand
from provision.verify.node import Node, Service
from provision.verify.questions import Questions
from provision.verify.reading import look_at, statuses

_OTHERS = 0o007
_SOCKET = "/var/run/docker.sock"
# How many registries' digests the images have that containers of Compose run.
_IMAGES = (
    "docker ps -aq --filter label=com.docker.compose.project"
    " | xargs -r docker inspect -f '{{.Image}}' | sort -u"
    " | xargs -r docker image inspect -f '{{.Id}} {{len .RepoDigests}}'"
)
_TODO = "Set it in the role's template and deploy; what has a reason is named in `x-allow`"


def questions(node: Node) -> Questions:
    """Return what is asked of every host."""
    return Questions(commands=(_look(node), _IMAGES), containers=True)


def _look(node: Node) -> str:
    """Return the command that asks for the status of everything that is a secret."""
    return look_at([_SOCKET, *_secrets(node)])


def _secrets(node: Node) -> list[str]:
    return [file.dest for it in node.projects.values() for file in it.files if file.secret]


def _running(node: Node, rule: str) -> Iterator[tuple[Service, Container]]:
    """Yield the containers of services that have no reason to break a rule."""
    for service in node.services:
        if not service.allows(rule):
            for container in node.containers_of(service):
                yield service, container


def _those(node: Node, rule: str, breaks: Callable[[Container], str]) -> list[str]:
    """Return what is to be said of containers that break a rule."""
    said = ((it.name, breaks(it)) for _, it in _running(node, rule))
    return [f"{name} {words}" for name, words in said if words]


def test_not_root(node: Node) -> None:
    """No container runs as root."""

    def breaks(container: Container) -> str:
        user = str(container.config.get("User") or "").partition(":")[0]
        return "runs as root" if user in ("", "0", "root") else ""

    demand("a user other than root", found=_those(node, "root-user", breaks), todo=_TODO)


def test_read_only(node: Node) -> None:
    """No container can write to its image's files."""

    def breaks(container: Container) -> str:
        return "" if container.host_config.get("ReadonlyRootfs") else "can"

    demand("read_only: true", found=_those(node, "read-only-root", breaks), todo=_TODO)


def test_no_new_privileges(node: Node) -> None:
    """No container can gain privileges by setuid programs."""

    def breaks(container: Container) -> str:
        options = {str(it).replace("=", ":") for it in container.host_config["SecurityOpt"] or ()}
        return "" if options & {"no-new-privileges", "no-new-privileges:true"} else "can"

    demand("no-new-privileges", found=_those(node, "no-new-privileges", breaks), todo=_TODO)


def test_capabilities(node: Node) -> None:
    """No container has capabilities that its template gives no reason for."""

    def keeps(container: Container) -> str:
        dropped = [str(name).upper() for name in container.host_config.get("CapDrop") or ()]
        return "" if "ALL" in dropped else "keeps Docker's default ones"

    def adds(container: Container) -> str:
        if container.host_config.get("Privileged"):
            return "is privileged"
        added = container.host_config.get("CapAdd") or ()
        return f"adds {', '.join(added)}" if added else ""

    found = _those(node, "capabilities", keeps) + _those(node, "added-capability", adds)
    demand("cap_drop: [ALL]", found=found, todo=_TODO)


def test_namespaces(node: Node) -> None:
    """No container shares a namespace with the host that its template gives no reason for."""

    def network(container: Container) -> str:
        return "is on its network" if container.host_config.get("NetworkMode") == "host" else ""

    def others(container: Container) -> str:
        modes = {"PidMode": "processes", "IpcMode": "shared memory", "UsernsMode": "users"}
        shared = [word for key, word in modes.items() if container.host_config.get(key) == "host"]
        return f"shares its {' and '.join(shared)}" if shared else ""

    found = _those(node, "host-network", network) + _those(node, "host-pid", others)
    demand("namespaces of its own for each container", found=found, todo=_TODO)


def test_limits(node: Node) -> None:
    """Every container has limits of memory and processes."""

    def memory(container: Container) -> str:
        return "" if container.host_config.get("Memory") else "has no limit of memory"

    def processes(container: Container) -> str:
        limit = container.host_config.get("PidsLimit") or 0
        return "" if limit > 0 else "has no limit of processes"

    found = _those(node, "memory-limit", memory) + _those(node, "pids-limit", processes)
    demand("mem_limit and pids_limit", found=found, todo=_TODO)


def test_logs(node: Node) -> None:
    """No container's log can fill the disk."""

    def breaks(container: Container) -> str:
        log = container.host_config.get("LogConfig") or {}
        limited = (log.get("Config") or {}).get("max-size")
        endless = log.get("Type") == "json-file" and not limited  # other drivers rotate, or ship
        return "never rotates its log" if endless else ""

    demand("logging with max-size", found=_those(node, "log-rotation", breaks), todo=_TODO)


def test_digests(host: Host, node: Node) -> None:
    """Every image from a registry is named by its digest."""
    rows = [line.split() for line in host.run(_IMAGES).stdout.splitlines()]
    from_registries = {row[0] for row in rows if row[1] != "0"}  # others were loaded, or built here

    def breaks(container: Container) -> str:
        is_fixed = "@" in container.image or container.image_id not in from_registries
        return "" if is_fixed else f"runs {container.image}, and a tag may move"

    demand(
        "images by digest",
        found=_those(node, "image-tag", breaks),
        todo="Deploy: it looks up the digests, so that all hosts run the same bytes",
    )


def test_secret_files(host: Host, node: Node) -> None:
    """No secret can be read by every user of the host."""
    found = statuses(host.run(_look(node)).stdout)
    wrong = [
        f"{path} {found[path].mode:04o}"
        for path in _secrets(node)
        if path in found and found[path].mode & _OTHERS
    ]
    missing = [f"{path} does not exist" for path in _secrets(node) if path not in found]
    demand(
        "secrets that only their reader can read (0400)",
        found=[*wrong, *missing],
        todo="Deploy again; it sets their mode and owner",
    )


def test_docker_socket(host: Host, node: Node) -> None:
    """Not everybody on the host can use the Docker socket, which makes one root."""
    status = statuses(host.run(_look(node)).stdout).get(_SOCKET)
    wrong = status is not None and status.mode & _OTHERS
    demand(
        f"{_SOCKET} 0660",
        found=[f"{status.mode:04o}"] if wrong and status else [],
        todo=f"`chmod o= {_SOCKET}`, and see who changed it",
    )
