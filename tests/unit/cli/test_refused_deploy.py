"""A deploy that the lint refuses: nothing has been connected to, and the error names the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.cli.main import run
from provision.errors import ExitCode

INVENTORY = """
all:
  vars: {ansible_connection: local, private_address: 10.0.0.1, node_exporter_image: "x:1"}
  children: {game_server: {hosts: {a: {}, b: {}}}}
"""
TEMPLATES = {
    "not_yaml_when_rendered": (
        "services:\n  game:\n    image: x:1\n   bad: {\n",
        "(as rendered):4:4: not valid YAML: did not find expected key",
    ),
    "undefined_variable": (
        'services:\n  game:\n    image: "{{ game_sever_image }}"\n',
        ":3:16: the variable 'game_sever_image' is not defined",
    ),
    "template_syntax": (
        'services:\n  game:\n    image: "{{ image }"\n',
        ":3: template syntax: unexpected '}'",
    ),
}


@pytest.mark.parametrize(("template", "error"), TEMPLATES.values(), ids=TEMPLATES)
def test_template_that_renders_badly(
    template: str,
    error: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "templates" / "compose" / "game_server.yml.j2"
    path.parent.mkdir(parents=True)
    path.write_text(template)
    Path("hosts.yml").write_text(INVENTORY)
    code = run(["deploy", "-i", "hosts.yml", "-e", "game_server_image=x:1"])
    assert code == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.err.startswith(f"provision: {path}"), shown.err
    assert shown.err.splitlines()[0].endswith(error)
    assert "lint" in shown.out
    assert "stopped" in shown.out
    assert "no host was touched" in shown.out
    assert "preflight" not in shown.out
