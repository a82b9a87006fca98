"""All modules, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from provision.agent.declaration import Declaration
from provision.errors import Location, UsageError, did_you_mean
from provision.playbook.modules.commands import COMMANDS
from provision.playbook.modules.control import CONTROL
from provision.playbook.modules.files import FILES
from provision.playbook.modules.kernel import KERNEL
from provision.playbook.modules.module import Module, Parameters
from provision.playbook.modules.people import PEOPLE
from provision.playbook.modules.system import SYSTEM
from provision.playbook.parameters import ANY, Parameter, canonical, convert, parameters_of

MODULES: Mapping[str, Module] = {
    **COMMANDS,
    **CONTROL,
    **FILES,
    **KERNEL,
    **PEOPLE,
    **SYSTEM,
}


class Catalog:
    """What playbooks may name: the modules, and Python tasks by their functions."""

    def __init__(self, tasks: Mapping[str, Callable[..., object]]) -> None:
        self._tasks = tasks

    def names(self) -> Iterable[str]:
        """Return the names of all modules and tasks."""
        return {*MODULES, *self._tasks}

    def parameters(self, name: str) -> Mapping[str, Parameter]:
        """Return the parameters of a module or task."""
        if name in MODULES:
            return MODULES[name].parameters
        return parameters_of(self._tasks[name])


def converted(
    parameters: Mapping[str, object], known: Mapping[str, Parameter], where: Location | None = None
) -> Parameters:
    """Return rendered parameters by their own names, as their types, without those that are null.

    Raises:
        UsageError: a value that does not fit; what a template hid until now.

    """
    try:
        given = canonical(parameters, known)
        missing = [name for name in known if known[name].required and given.get(name) is None]
        if missing:
            raise UsageError(f"the parameter {missing[0]!r} is needed, and it is null")
        kinds = {name: known[name] if name in known else known[ANY] for name in given}
        values = {name: convert(name, value, kinds[name]) for name, value in given.items()}
    except UsageError as error:
        raise UsageError(error.message, where=where, hint=error.hint) from None
    return {name: value for name, value in values.items() if value is not None}


def build(
    name: str, parameters: Mapping[str, object], where: Location | None = None
) -> Declaration:
    """Return the declaration that a module with these parameters stands for.

    Args:
        name: the module, without its collection.
        parameters: rendered and ``converted``.
        where: the task's place, for errors.

    Raises:
        UsageError: parameters that do not fit together.

    """
    module = MODULES.get(name)
    if module is None or module.declare is None:
        raise UsageError(
            f"there is no module {name!r}", where=where, hint=did_you_mean(name, MODULES)
        )
    try:
        return module.declare(dict(parameters))
    except UsageError as error:
        raise UsageError(error.message, where=where, hint=error.hint) from None
