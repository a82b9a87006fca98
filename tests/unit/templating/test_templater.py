"""Errors name their place; variables are lazy; templaters are cheap and safe to share."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from provision.errors import Location, UsageError
from provision.source import load_yaml, parse_yaml
from provision.templating import OMIT, Templater

ERRORS: Any = load_yaml(Path(__file__).with_name("errors.yaml"))


def templater(text: str, *search: Path) -> Templater:
    variables: Any = parse_yaml(text, "vars.yml")
    return Templater(variables, search=search)


@pytest.mark.parametrize("name", list(ERRORS["values"]))
def test_error_in_value(name: str) -> None:
    case = ERRORS["values"][name]
    with pytest.raises(UsageError) as caught:
        templater(str(case["variables"])).render(parse_yaml(str(case["value"]), "play.yml"))
    assert str(caught.value) == case["error"].rstrip("\n")


@pytest.mark.parametrize("name", list(ERRORS["conditions"]))
def test_error_in_condition(name: str) -> None:
    case = ERRORS["conditions"][name]
    with pytest.raises(UsageError) as caught:
        templater("n: 3").test(parse_yaml(str(case["value"]), "play.yml"), Location("play.yml"))
    assert str(caught.value) == case["error"].rstrip("\n")


@pytest.mark.parametrize("name", list(ERRORS["files"]))
def test_error_in_file(name: str, tmp_path: Path) -> None:
    case = ERRORS["files"][name]
    for file, text in case["files"].items():
        (tmp_path / file).write_text(text)
    with pytest.raises(UsageError) as caught:
        templater("port: 80", tmp_path).render_file(tmp_path / "main.j2")
    assert str(caught.value).replace(f"{tmp_path}/", "") == case["error"].rstrip("\n")


def test_text_without_a_template_is_returned_as_it_is() -> None:
    value = parse_yaml("plain {text}", "play.yml")
    assert templater("{}").render(value) is value


def test_data_from_a_host_is_never_a_template() -> None:
    facts = {"stdout": "{{ lookup('env', 'HOME') }}", "list": ["{{ secret }}"]}
    rendering = Templater({"result": facts, "secret": "s"})
    assert rendering.render("{{ result.stdout }}") == facts["stdout"]
    assert rendering.render("got {{ result.list }}") == "got ['{{ secret }}']"


def test_what_is_not_used_is_not_rendered() -> None:
    variables = "good: 1\nbad: '{{ nope }}'\nboth: {good: '{{ good }}', bad: '{{ bad }}'}"
    assert templater(variables).render("{{ both.good }} {{ both | length }}") == "1 2"


def test_a_mapping_may_use_itself() -> None:
    assert templater("a: {x: 1, y: '{{ a.x + 1 }}'}").render("{{ a }}") == {"x": 1, "y": 2}


def test_hostvars_are_rendered_with_the_variables_of_their_host() -> None:
    one = templater("{name: one, greeting: 'I am {{ name }}'}")
    two = templater("{name: two, greeting: 'I am {{ name }}'}")
    views = {"one": one.view(), "two": two.view()}
    here = Templater({"name": "here", "hostvars": views, "hosts": ["one", "two"]})
    expression = "{{ hosts | map('extract', hostvars, 'greeting') | join('; ') }}"
    assert here.render(expression) == "I am one; I am two"
    assert here.render("{{ hostvars.two.greeting }} {{ hostvars['one'].name }}") == "I am two one"


def test_omit_alone_is_recognisable() -> None:
    assert templater("{}").render("{{ nope | default(omit) }}") is OMIT


def test_render_text_is_always_text() -> None:
    rendering = templater("{n: 3, nothing: null}")
    assert rendering.render_text("{{ n }}") == "3"
    assert rendering.render_text("{{ nothing }}") == ""


def test_a_changed_template_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.j2"
    path.write_text("one")
    rendering = templater("{}")
    assert rendering.render_file(path) == "one"
    path.write_text("two {{ 2 }}")
    import os

    os.utime(path, (1, 1))
    assert rendering.render_file(path) == "two 2"


def test_an_included_file_is_looked_for_beside_its_parent_first(tmp_path: Path) -> None:
    for directory in ("a", "templates"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "part.j2").write_text(f"from {directory}")
        (tmp_path / directory / "main.j2").write_text("{% include 'part.j2' %}")
    rendering = templater("{}", tmp_path)
    assert rendering.render_file(tmp_path / "a" / "main.j2") == "from a"
    assert rendering.render_file(Path("main.j2")) == "from templates"


def test_threads_do_not_disturb_each_other() -> None:
    wrong: list[object] = []

    def work(number: int) -> None:
        variables: Any = parse_yaml(f"n: {number}\na: '{{{{ b }}}}'\nb: '{{{{ n }}}}'")
        for _ in range(50):
            result = Templater(variables).render("{{ a }}")
            if result != number:
                wrong.append(result)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_importing_does_not_load_jinja2() -> None:
    code = "import sys, provision.templating; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
