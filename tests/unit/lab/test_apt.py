from __future__ import annotations

from pathlib import Path

import pytest

from provision.lab.apt import DEFAULT_MIRROR, DEFAULT_SECURITY_MIRROR, machine_mirrors, settings

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""
DISABLED = "Enabled: no\nTypes: deb\nURIs: http://old.example/debian\nSuites: trixie\n"
ONE_LINE = """\
# deb http://commented.example/debian trixie main
deb-src http://sources.example/debian trixie main
deb [arch=amd64 signed-by=/k.gpg] https://deb.example/debian trixie main # ours
deb http://sec.example/debian-security trixie-security main
"""
OTHERS = (
    "deb https://packages.example/apt cloud-sdk main\ndeb https://apt.example/x bookworm-pgdg m\n"
)


def apt_directory(root: Path, **files: str) -> Path:
    (root / "sources.list.d").mkdir()
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        where = root if name == "sources_list" else root / "sources.list.d"
        (where / f"{stem}.{suffix}").write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "main", "security"),
    [
        (
            {"debian_sources": DEB822},
            "http://mirror.example/debian",
            "http://mirror.example/debian-security",
        ),
        (
            {"sources_list": ONE_LINE, "zz_list": OTHERS},
            "https://deb.example/debian",
            "http://sec.example/debian-security",
        ),
        ({"a_sources": DISABLED, "b_list": OTHERS}, DEFAULT_MIRROR, DEFAULT_SECURITY_MIRROR),
        ({"debian_disabled": DEB822}, DEFAULT_MIRROR, DEFAULT_SECURITY_MIRROR),
        (
            {"ubuntu_list": "deb http://archive.ubuntu.example/ubuntu noble main\n"},
            DEFAULT_MIRROR,
            DEFAULT_SECURITY_MIRROR,
        ),
        ({}, DEFAULT_MIRROR, DEFAULT_SECURITY_MIRROR),
    ],
    ids=["deb822", "one-line", "disabled", "not-a-source-file", "ubuntu", "nothing"],
)
def test_the_mirrors_are_those_of_a_debian_machine(
    tmp_path: Path, files: dict[str, str], main: str, security: str
) -> None:
    mirrors = machine_mirrors(apt_directory(tmp_path, **files))
    assert (mirrors.main, mirrors.security) == (main, security)


def test_the_sources_name_the_labs_release_not_the_machines(tmp_path: Path) -> None:
    text = machine_mirrors(apt_directory(tmp_path, debian_sources=DEB822)).sources("trixie")
    assert "Suites: trixie trixie-updates\n" in text
    assert "Suites: trixie-security\n" in text
    assert "bookworm" not in text


def test_only_proxies_and_date_checks_are_taken_over() -> None:
    dump = [
        'Acquire "";',
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::https::Proxy "";',
        'Acquire::Check-Valid-Until "false";',
        'APT::Install-Recommends "1";',
        'DPkg::Post-Invoke:: "rm -rf /";',
    ]
    assert settings(dump).splitlines() == [dump[1], dump[3]]
