"""One host's variables during a play: layers, the highest wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_FACT_PREFIXES = ("ansible_", "provision_")


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
        self._layers: list[Mapping[str, Any]] = [extra, {}, {}, play, inventory]
        self._facts = facts

    def remember(self, name: str, value: Any) -> None:
        """Set a variable by ``set_fact`` or ``register``; it lasts for the rest of the run."""
        self._layers[1] = {**self._layers[1], name: value}

    def take_over(self, earlier: HostVariables) -> None:
        """Keep what an earlier play of the run has remembered."""
        self._layers[1] = earlier._layers[1]

    def with_task_vars(self, variables: Mapping[str, Any]) -> HostVariables:
        """Return these variables with a task's own on top of the play's."""
        copy = HostVariables.__new__(HostVariables)
        copy._layers = list(self._layers)
        copy._layers[2] = {**self._layers[2], **variables}
        copy._facts = self._facts
        return copy

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
