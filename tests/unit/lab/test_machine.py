from __future__ import annotations

import socket

from provision.lab.machine import CAPABILITIES, isolation, missing_capabilities, port_is_free


def test_every_capability_of_the_bounding_set_is_known_by_its_bit() -> None:
    assert missing_capabilities("CapEff:\t0\nCapBnd:\t000001ffffffffff\n") == []
    assert missing_capabilities("CapBnd:\t000001fffeffffff\n") == ["SYS_RESOURCE"]
    assert missing_capabilities("CapBnd:\t0000000000000000\n") == CAPABILITIES


def test_a_machine_without_proc_counts_as_having_all() -> None:
    assert missing_capabilities("") == []


def test_an_ordinary_machine_runs_hosts_privileged() -> None:
    assert isolation("2", []) == {"CgroupnsMode": "private", "Privileged": True}


def test_where_privileged_is_refused_it_is_spelled_out_without_what_is_missing() -> None:
    for version, missing in (("1", []), ("1", ["SYS_RESOURCE"]), ("2", ["SYS_RESOURCE"])):
        config = isolation(version, missing)
        assert "Privileged" not in config
        assert config["CapDrop"] == missing
        assert config["MaskedPaths"] == config["ReadonlyPaths"] == []


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not port_is_free(port)
    assert port_is_free(port)
