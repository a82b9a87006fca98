"""Frozen declarations with typed fields: what ``dataclasses`` gives, at no start-up cost.

``dataclasses`` costs each host 10 ms at every start (it imports ``inspect``), a third of what a
whole session takes. Type checkers see these classes as frozen, keyword-only dataclasses.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar, Dict, Tuple

if TYPE_CHECKING or sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        """Stand in for ``typing.dataclass_transform``, which says nothing at run time."""
        return lambda decorated: decorated


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Declaration:
    """Base of resources and queries: annotated class attributes are the fields.

    A field without a default is required. Values are JSON-like, so that a declaration can travel:
    ``Kind(**declaration.fields())`` is the same declaration again.
    """

    _fields: ClassVar[Tuple[str, ...]] = ()
    _required: ClassVar[Tuple[str, ...]] = ()
    given_up_when_alone: ClassVar[bool] = False  # rather than finished: the connection was lost

    def __init_subclass__(cls) -> None:
        """Collect the fields of the class and of its bases, in order."""
        names = list(cls._fields)
        for name, annotation in cls.__dict__.get("__annotations__", {}).items():
            if not str(annotation).startswith("ClassVar") and name not in names:
                names.append(name)
        cls._fields = tuple(names)
        cls._required = tuple(name for name in names if not hasattr(cls, name))

    def __init__(self, **fields: Any) -> None:
        unknown = [name for name in fields if name not in self._fields]
        missing = [name for name in self._required if name not in fields]
        if unknown or missing:
            raise TypeError(
                "{}: unknown fields {}, missing fields {}".format(self.kind(), unknown, missing)
            )
        self.__dict__.update(fields)

    @classmethod
    def kind(cls) -> str:
        """Return the name by which the declaration travels."""
        return cls.__name__

    def fields(self) -> Dict[str, Any]:
        """Return the fields that were given, as JSON-like values."""
        return dict(self.__dict__)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("{} is frozen".format(self.kind()))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((self.kind(), repr(sorted(self.__dict__.items()))))

    def __repr__(self) -> str:
        inner = ", ".join("{}={!r}".format(*item) for item in self.__dict__.items())
        return "{}({})".format(self.kind(), inner)
