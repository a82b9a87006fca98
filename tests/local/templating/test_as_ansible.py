"""What we render is what Ansible renders: the same cases through both programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.source import load_yaml
from provision.templating import Templater

CASES = Path(__file__).parent / "cases"
FILTERS = CASES / "filters.yaml"
TEMPLATES = CASES / "templates.yaml"
FILES = {
    "files/motd": "welcome\n\n",
    "files/braces": "{{ n }}",
    "templates/greeting.j2": "hi {{ who }}\n",
}


def _ansible() -> str | None:
    beside = Path(sys.executable).with_name("ansible-playbook")
    return str(beside) if beside.exists() else shutil.which("ansible-playbook")


def _names(path: Path, section: str) -> list[str]:
    return list(yaml.safe_load(path.read_text())[section])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    cases: Any = yaml.safe_load(TEMPLATES.read_text())
    files = FILES | cases["files"]
    templates = cases["written"] | cases["looked_up"]
    files |= {f"templates/case_{name}.j2": text for name, text in templates.items()}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    return root


def _play(project: Path) -> list[dict[str, Any]]:
    filters: Any = yaml.safe_load(FILTERS.read_text())
    templates: Any = yaml.safe_load(TEMPLATES.read_text())
    decide = [
        {"debug": {"msg": ""}, "when": value, "register": f"if_{name}"}
        for name, value in filters["conditions"].items()
    ]
    write = {
        "template": {"src": "case_{{ item }}.j2", "dest": f"{project}/out/{{{{ item }}}}"},
        "loop": list(templates["written"]),
    }
    files = ", ".join(
        f"'{name}': lookup('template', 'case_{name}.j2')" for name in templates["looked_up"]
    )
    keep = {"copy": {"dest": f"{project}/files.json", "content": f"{{{{ {{{files}}} }}}}"}}
    variables = filters["variables"] | {
        f"case_{name}": value for name, value in filters["cases"].items()
    }
    cases = ", ".join(f"'{name}': case_{name}" for name in filters["cases"])
    conditions = ", ".join(f"'{name}': if_{name} is not skipped" for name in filters["conditions"])
    answers = f"{{'cases': {{{cases}}}, 'conditions': {{{conditions}}}}}"
    save = {"copy": {"dest": f"{project}/out.json", "content": f"{{{{ {answers} }}}}"}}
    head = {"hosts": "localhost", "gather_facts": False}
    return [
        head | {"vars": variables, "tasks": [*decide, save]},
        head | {"vars": templates["variables"], "tasks": [write, keep]},
    ]


@pytest.fixture(scope="module")
def ansible(project: Path) -> dict[str, dict[str, Any]]:
    """Return what Ansible made of all cases, in one run."""
    program = _ansible()
    if program is None:
        pytest.skip("ansible-core is not installed")
    (project / "out").mkdir()
    (project / "play.yml").write_text(yaml.safe_dump(_play(project), sort_keys=False))
    environment = {
        **os.environ,
        "CASE_VARIABLE": "from the environment",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_HOME": str(project / "ansible"),
        "ANSIBLE_PIPELINING": "1",
        "LC_ALL": "C.UTF-8",
    }
    argv = [program, "-i", "localhost,", "-c", "local", "play.yml"]
    done = subprocess.run(
        [*argv, "-e", f"ansible_python_interpreter={sys.executable}"],
        cwd=project, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    answers: dict[str, dict[str, Any]] = json.loads((project / "out.json").read_text())
    answers["looked_up"] = json.loads((project / "files.json").read_text())
    answers["written"] = {
        name: (project / "out" / name).read_bytes().decode()
        for name in _names(TEMPLATES, "written")
    }
    return answers


def _templater(cases: Path, project: Path) -> Templater:
    loaded: Any = load_yaml(cases)
    return Templater(loaded["variables"], search=[project])


@pytest.mark.parametrize("name", _names(FILTERS, "cases"))
def test_value(
    name: str, project: Path, ansible: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASE_VARIABLE", "from the environment")
    loaded: Any = load_yaml(FILTERS)
    ours = _templater(FILTERS, project).render(loaded["cases"][name])
    theirs = ansible["cases"][name]
    assert json.dumps(ours) == json.dumps(theirs)  # 1, True and 1.0 are different


@pytest.mark.parametrize("name", _names(FILTERS, "conditions"))
def test_condition(name: str, project: Path, ansible: dict[str, Any]) -> None:
    loaded: Any = load_yaml(FILTERS)
    ours = _templater(FILTERS, project).test(loaded["conditions"][name])
    assert ours == ansible["conditions"][name]


@pytest.mark.parametrize("name", _names(TEMPLATES, "written"))
def test_template_file(name: str, project: Path, ansible: dict[str, Any]) -> None:
    ours = _templater(TEMPLATES, project).render_file(Path(f"case_{name}.j2"))
    assert ours == ansible["written"][name]


@pytest.mark.parametrize("name", _names(TEMPLATES, "looked_up"))
def test_template_lookup(name: str, project: Path, ansible: dict[str, Any]) -> None:
    lookup = f"{{{{ lookup('template', 'case_{name}.j2') }}}}"
    ours = _templater(TEMPLATES, project).render(lookup)
    assert json.dumps(ours) == json.dumps(ansible["looked_up"][name])
