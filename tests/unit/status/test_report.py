"""What ``provision status`` prints."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from provision.engine.status.gpus import Gpu
from provision.engine.status.services import ServiceStatus
from provision.engine.status.status import HostStatus, Status
from provision.engine.status.training import Training
from provision.report.line import as_text
from provision.report.mixed import short_image
from provision.report.status import StatusPrinter, progress_line, status_lines

WELL = ServiceStatus("trainer", "trainer", "healthy", "healthy", "reg:5000/a/ref:lab", 0, 3725.0)
ILL = ServiceStatus(
    role="agent_pool",
    name="agent-0",
    state="exited with 1",
    expected="healthy",
    image="ref@sha256:" + "ab" * 32,
    restarts=4,
    drift=("image", "configuration"),
    last_words="connection \x1b[31mrefused",
)
GPU = Gpu("0", "NVIDIA H100 80GB HBM3", "97", "60123", "81559", "61")
TRAINING = Training({"win_rate": 0.834, "games": 4.25, "loss": -0.01, "version": 12}, {"h2/0": 12})


def lines(*hosts: HostStatus, training: Training | None = None, width: int = 100) -> list[str]:
    return [as_text(line) for line in status_lines(Status(list(hosts), training), width)]


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_services_stand_under_their_host() -> None:
    host = HostStatus("h1", ("trainer",), (WELL, ILL), (GPU,), releases={"trainer": "6eefb56878fc"})
    table = lines(host, training=TRAINING, width=120)
    assert squeezed(table[0]) == "host role release service state up restarts image drift"
    assert squeezed(table[1]) == "h1 trainer 6eefb56878fc trainer healthy 1:02:05 0 ref:lab none"
    assert squeezed(table[2]).startswith("agent_pool agent-0 exited with 1 4 ref@abababababab")
    assert table[2].endswith("image, configuration")
    assert table[3].strip() == "connection refused"
    assert table[4].strip() == "GPU 0  NVIDIA H100 80GB HBM3  97 %  60123 of 81559 MiB  61 °C"
    assert any("games/s 4.2   steps/s -" in line for line in table)
    assert any("wins against random 83 %   newest model 12" in line for line in table)
    assert table[-1] == "1 host: 1 not well (h1); 1 drifted (h1)"


def test_a_reboot_that_a_host_waits_for_is_told_with_its_reason() -> None:
    host = HostStatus("h1", (), (WELL,), reboot="driver 570.172.08 is installed")
    assert lines(host)[2].strip() == "reboot pending: driver 570.172.08 is installed"


def test_which_run_is_at_work_and_which_was_cut_off() -> None:
    run = "ana@laptop: provision deploy, run r1, since 2026-11-23 05:00:00 UTC"
    assert lines(HostStatus("h1", (), (WELL,), at_work=run))[2].strip() == f"at work: {run}"
    told = lines(HostStatus("h1", (), (WELL,), cut_off=run))[2].strip()
    assert told == f"cut off in the middle: {run}; run it again"


def test_versions_that_are_mixed_are_named_with_their_hosts() -> None:
    new = replace(WELL, image="reg:5000/a/ref@sha256:" + "cd" * 32)
    gone = replace(WELL, image="ref:older", state="absent")
    hosts = [HostStatus(f"h{n}", (), (row,)) for n, row in enumerate([WELL, new, WELL, gone])]
    (told,) = [it for it in lines(*hosts) if it.startswith("mixed")]
    assert told == "mixed     trainer trainer: ref:lab on h0, h2; ref@cdcdcdcdcdcd on h1"
    assert not any(it.startswith("mixed") for it in lines(hosts[0], hosts[2], hosts[3]))


def test_all_is_well() -> None:
    assert lines(HostStatus("h1", (), (WELL,)))[-1] == "1 host, all as declared"


def test_a_host_that_is_away_is_named_with_the_reason() -> None:
    table = lines(
        HostStatus("h1", (), (WELL,)),
        HostStatus("h2", (), problem="no route to host", is_reachable=False),
        HostStatus("h3", (), problem="Docker is not installed on this host"),
    )
    assert "h2    UNREACHABLE  no route to host" in table
    assert "h3    Docker is not installed on this host" in table
    assert table[-1] == "3 hosts: 1 unreachable (h2); 1 not well (h3)"


def test_it_fits_into_a_hundred_columns() -> None:
    wide = ServiceStatus("experience_buffer", "x" * 40, "y" * 40, "healthy", "i" * 90, 999, 9e9)
    table = lines(HostStatus("h" * 60, (), (wide, ILL)), training=TRAINING)
    assert max(map(len, table)) <= 100


def test_a_service_with_several_containers_is_well_when_all_are() -> None:
    assert ServiceStatus("r", "s", "2 healthy", "2 healthy").is_well
    assert not ServiceStatus("r", "s", "healthy", "2 healthy").is_well


def test_images_are_short() -> None:
    assert short_image("registry.example:5000/team/reference:1.2") == "reference:1.2"
    assert short_image("reg/x:1@sha256:" + "0f" * 32) == "x:1@0f0f0f0f0f0f"


def test_progress_is_one_line_with_a_bar() -> None:
    early = as_text(progress_line(Training({"games": 1.0}), 4.0))
    late = as_text(progress_line(TRAINING, 130.0))
    assert early.endswith("wins     -")
    assert late.startswith("   2:10  games/s")
    assert late.endswith("wins  83 % " + "█" * 25)


def test_programs_get_json() -> None:
    stream = io.StringIO()
    printer = StatusPrinter(stream, json=True)
    printer.progress(TRAINING, 1.26)
    printer.status(Status([HostStatus("h1", ("trainer",), (WELL, ILL))], None))
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["seconds"] == 1.3
    assert first["training"]["values"]["win_rate"] == 0.834
    assert second["training"] is None
    assert [service["is_well"] for service in second["hosts"][0]["services"]] == [True, False]
