"""The cluster of ``cluster.yml``, as the inventory hands it to the renderer."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from provision.source import load_yaml
from provision.stack.render import ComposeProject, render_role
from provision.stack.roles import roles_of

HERE = Path(__file__).parent
CLUSTER: Any = load_yaml(HERE / "cluster.yml")
SECRETS = (
    "correct-horse",
    "grafana-secret-value",
    "very-secret-token",
    "wandb-secret-value",
)


def variables(host: str, **extra: object) -> dict[str, Any]:
    """Return the variables of ``host``; ``extra`` as ``-e`` would give them: to every host."""
    own = {name: {**CLUSTER["all"], **host_vars} for name, host_vars in CLUSTER["hosts"].items()}
    everybody = {name: {**host_vars, **extra} for name, host_vars in own.items()}
    groups = CLUSTER["groups"]
    return {
        **everybody[host],
        "inventory_hostname": host,
        "groups": groups,
        "group_names": [group for group in groups if host in groups[group] and group != "all"],
        "hostvars": everybody,
    }


@cache
def projects() -> tuple[tuple[str, ComposeProject], ...]:
    """Return every role of every host, which no test may change."""
    return tuple(
        (host, render_role(role, variables(host), project=HERE))
        for host in CLUSTER["hosts"]
        for role in roles_of(variables(host)["group_names"])
    )
