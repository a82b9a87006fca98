"""Rules about secrets, and about text that Compose would change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from provision.stack.finding import Problem, Service, rule

_NAME = re.compile(
    r"(?:^|_)(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY)(?:_(?!.*FILE$)|$)", re.I
)
_CREDENTIALS = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.I)
_INTERPOLATED = re.compile(r"(?<!\$)(?:\$\$)*\$(?:\{|[A-Za-z_])")


@rule("secret-in-environment")
def secret_in_environment(service: Service) -> Iterator[Problem]:
    """The Compose file is shown in plans and diffs; secrets have files of their own."""
    hint = (
        "put it into an `env_file: [./service.env]` with `x-files: {service.env: {secret: true}}`"
    )
    for name, value in environment_of(service).items():
        if value and (_NAME.search(name) or _CREDENTIALS.search(value)):
            yield Problem(f"{name} holds a secret in the Compose file", hint)


def environment_of(service: Service) -> dict[str, str]:
    """Return the service's environment, whichever syntax it has."""
    pairs = (str(entry).partition("=") for entry in service.items("environment"))
    listed = {name: value for name, _, value in pairs}
    mapped = service.mapping("environment")
    return {**listed, **{name: "" if v is None else str(v) for name, v in mapped.items()}}


@rule("interpolation")
def interpolation(service: Service) -> Iterator[Problem]:
    """`$NAME` is replaced from the environment of Compose on the host: by nothing."""
    for path, text in _texts(service.spec, ""):
        if not path.startswith("x-allow") and _INTERPOLATED.search(text):
            yield Problem(
                f"{path}: Compose replaces what follows `$` in {text!r}",
                "use a variable of the inventory, or write `$$` for a dollar sign",
            )


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, path)
