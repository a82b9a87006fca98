"""What the templates render to, word for word.

After a change that is meant, look at the difference of
``UPDATE_GOLDEN=1 pytest tests/unit/stack/test_golden.py``.
"""

from __future__ import annotations

import os

import pytest

from provision.stack.render import ComposeProject, render_role
from tests.unit.stack.cluster import HERE, variables

ROLES = {
    "game_server": "game-01",
    "experience_buffer": "buf-01",
    "trainer": "gpu-02",
    "agent_pool": "agents-01",
    "model_server": "models-01",
    "monitoring": "mon-01",
    "host": "gpu-01",
}


def described(project: ComposeProject) -> str:
    """The files of a project: all of them by name, those with the host's values with content."""
    parts = []
    for file in project.files:
        owner = "root" if file.owner is None else "{}:{}".format(*file.owner)
        parts.append(f"### {file.mode:04o} {owner} {file.dest}\n")
        if "/dashboards/" not in file.path and "/rules/" not in file.path:
            parts.append(file.content.rstrip("\n") + "\n")
    parts += [f"### {d.mode:04o} {d.owner} {d.path}/\n" for d in project.directories]
    return "\n".join(parts)


@pytest.mark.parametrize("role", ROLES)
def test_rendered_project_is_the_golden_one(role: str) -> None:
    project = render_role(role, variables(ROLES[role]), project=HERE)
    for path, text in (
        (HERE / "golden" / f"{role}.yml", project.text),
        (HERE / "golden" / f"{role}.files", described(project)),
    ):
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path.name} differs"


def test_rendering_again_gives_the_same() -> None:
    first, second = (render_role("monitoring", variables("mon-01"), project=HERE) for _ in "ab")
    assert first == second
