"""Names that an expression used and nobody defined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import StrictUndefined, TemplateRuntimeError, UndefinedError
from jinja2.utils import missing

from provision.errors import Location, did_you_mean


class UndefinedVariable(UndefinedError):
    """The value of ``marker`` was needed."""

    def __init__(self, message: str | None, marker: Missing) -> None:
        super().__init__(message)
        self.marker = marker


class Missing(StrictUndefined):
    """Stands for an undefined value until something needs it; ``default`` replaces it.

    Like Ansible's, it may be asked for attributes, so ``a.b.c | default('x')`` works without ``a``.
    ``where`` is the place of the variable whose own template used the name, if it was not the
    template being rendered.
    """

    __slots__ = ("where",)

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
        where: Location | None = None,
    ) -> None:
        super().__init__(hint, obj, name, exc)
        self._undefined_exception = lambda message: UndefinedVariable(message, self)  # type: ignore[assignment]
        self.where = where

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> Any:
        return self

    @property
    def name(self) -> str:
        """What was asked for: a variable, a key, or an index."""
        return str(self._undefined_name)

    def moved_to(self, where: Location | None) -> Missing:
        """Return the same undefined name, known to have been used at ``where``."""
        if self.where is not None:
            return self
        return Missing(self._undefined_hint, self._undefined_obj, self._undefined_name, where=where)

    def fail(self) -> None:
        """Raise ``UndefinedVariable``."""
        self._fail_with_undefined_error()

    def explain(self, variables: Mapping[str, object]) -> tuple[str, str | None]:
        """Return what to tell the user: a message and, if there is one, a hint."""
        if self._undefined_hint:
            return self._undefined_hint, None
        owner = self._undefined_obj
        if owner is missing:
            hint = did_you_mean(self.name, [str(name) for name in variables])
            return f"the variable {self.name!r} is not defined", hint
        if isinstance(owner, Mapping):
            hint = did_you_mean(self.name, [str(key) for key in owner])
            return f"there is no key {self.name!r} in the mapping", hint
        if isinstance(owner, Sequence) and not isinstance(owner, str):
            return f"there is no item {self.name} in a list of {len(owner)}", None
        kind = type(owner).__name__
        return f"there is no {self.name!r} in the value {owner!r} (of type {kind})", None
