from __future__ import annotations

from provision.agent.resources.image_layers import _count


def test_a_layer_counts_where_all_below_it_are_the_same() -> None:
    known = {("a",), ("a", "b"), ("a", "b", "c"), ("x",), ("x", "d")}
    assert _count(["a", "b", "c"], known) == 3
    assert _count(["a", "b", "d"], known) == 2
    assert _count(["b", "c"], known) == 0
    assert _count(["a", "d"], known) == 1
    assert _count([], known) == 0
