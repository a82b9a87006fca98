"""One host's variables during a play: layers, the highest wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_FACT_PREFIXES = ("ansible_", "provision_")
_CURRENT, _REMEMBERED, _TASK = 1, 2, 3  # layers, counted from the highest


class HostVariables(Mapping[str, Any]):
    """The layers of Ansible's precedence, from inventory to extra variables.

    Facts are asked of the host when the first of them is looked at, and only then awaited.

    Args:
        inventory: the host's variables and the magic ones.
        play: of the play and its ``vars_files``.
        extra: of the command line.
        facts: returns the host's facts, waiting for them.

    """

    def __init__(
        self,
        inventory: Mapping[str, Any],
        play: Mapping[str, Any],
        extra: Mapping[str, Any],
        facts: Any,
    ) -> None:
        self._layers: list[Mapping[str, Any]] = [extra, {}, {}, {}, play, inventory]
        self._facts = facts

    def remember(self, name: str, value: Any) -> None:
        """Set a variable by ``set_fact`` or ``register``; it lasts for the rest of the run."""
        self._layers[_REMEMBERED] = {**self._layers[_REMEMBERED], name: value}

    def take_over(self, earlier: HostVariables) -> None:
        """Keep what an earlier play of the run has remembered."""
        self._layers[_REMEMBERED] = earlier._layers[_REMEMBERED]

    def with_task_vars(self, variables: Mapping[str, Any]) -> HostVariables:
        """Return these variables with a task's own on top of the play's."""
        return self._with(_TASK, variables)

    def with_current(self, variables: Mapping[str, Any]) -> HostVariables:
        """Return these variables with what is true right now: a loop's item, a task's result."""
        return self._with(_CURRENT, variables)

    def _with(self, layer: int, variables: Mapping[str, Any]) -> HostVariables:
        copy = HostVariables.__new__(HostVariables)
        copy._layers = list(self._layers)
        copy._layers[layer] = {**self._layers[layer], **variables}
        copy._facts = self._facts
        return copy

    def given(self, name: str) -> Any:
        """Return a variable that is no fact, or None: for settings of the connection."""
        return next((layer[name] for layer in self._layers if name in layer), None)

    def __getitem__(self, name: str) -> Any:
        for layer in self._layers:
            if name in layer:
                return layer[name]
        if name == "ansible_facts":
            return _unprefixed(self._facts())
        if name.startswith(_FACT_PREFIXES):
            return self._facts()[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for layer in self._layers for name in layer))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _unprefixed(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("ansible_"): value for name, value in facts.items()}
