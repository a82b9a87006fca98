"""Ansible's filters, beside those that Jinja2 has."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from provision.templating import filters_data, filters_text


def listed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a filter return a list where it would return an iterator, as Ansible does."""

    @functools.wraps(function)  # keeps the marks that Jinja2 puts on functions
    def call(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        return list(result) if isinstance(result, Iterator) else result

    return call


FILTERS: dict[str, Callable[..., Any]] = {
    name: listed(function)
    for name, function in {**filters_data.FILTERS, **filters_text.FILTERS}.items()
}
