"""Host names with ports and ranges."""

from __future__ import annotations

import pytest

from provision.inventory.addresses import expand

GOOD = {
    "plain": (["plain"], None),
    "a.b-c.example:22": (["a.b-c.example"], 22),
    "10.0.0.1:2222": (["10.0.0.1"], 2222),
    "2001:db8::1": (["2001:db8::1"], None),
    "[2001:db8::1]:22": (["2001:db8::1"], 22),
    "trainer[01:03]": (["trainer01", "trainer02", "trainer03"], None),
    "t[8:10]": (["t8", "t9", "t10"], None),
    "t[008:010]x": (["t008x", "t009x", "t010x"], None),
    "n[a:c]": (["na", "nb", "nc"], None),
    "n[y:B]": (["ny", "nz", "nA", "nB"], None),
    "w[0:10:5]": (["w0", "w5", "w10"], None),
    "w[:1]": (["w0", "w1"], None),
    "r[1:2]n[1:2]:22": (["r1n1", "r1n2", "r2n1", "r2n2"], 22),
    "under_score": (["under_score"], None),
}
BAD = {
    "t[1:": "closing",
    "t[1]": "begin:end",
    "t[1:2:3:4]": "begin:end",
    "t[1:]": "has no end",
    "t[01:100]": "same length",
    "t[5:1]": "ends before it begins",
    "t[c:a]": "ends before it begins",
    "t[1:c]": "two numbers or two letters",
    "t[aa:bb]": "two numbers or two letters",
    "t[1:9:0]": "above zero",
    "t[1:9:x]": "above zero",
}


@pytest.mark.parametrize("text", GOOD)
def test_expand(text: str) -> None:
    assert expand(text) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_a_wrong_range_is_explained(text: str) -> None:
    with pytest.raises(ValueError, match=BAD[text].replace("[", r"\[")):
        expand(text)
