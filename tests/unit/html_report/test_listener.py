from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.report import RunLog, find_run
from provision.report.html import HtmlReport
from tests.unit.html_report.runs import RUN, failed_deploy


def test_the_page_is_written_in_the_end_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    path.write_text("an older one")
    report = HtmlReport(path)
    for event in failed_deploy():
        report(event)
    assert path.read_text() == "an older one"
    report.close()
    report.close()
    assert path.read_text().rstrip().endswith("</html>")
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.html"]


def test_a_place_where_it_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "run.html"):
        with pytest.raises(UsageError, match="cannot be written"):
            HtmlReport(path)


def test_a_run_that_never_began_has_no_page(tmp_path: Path) -> None:
    HtmlReport(tmp_path / "run.html").close()
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_full_costs_the_page_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    report = HtmlReport(folder / "run.html")
    report(failed_deploy()[0])
    folder.rmdir()
    report.close()
    assert "the report was not written" in caplog.text


def test_runs_are_found_by_id_or_as_the_last(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run is recorded here"):
        find_run(tmp_path, "last")
    log = RunLog(tmp_path)
    log(failed_deploy()[0])
    log.close()
    for run in ("20251123-000000-ffff", "20261001-000000-ffff"):
        (tmp_path / run).mkdir()
        (tmp_path / run / "events.jsonl").touch()
    assert find_run(tmp_path, "last").parent.name == RUN
    assert find_run(tmp_path, "20261001-000000-ffff").parent.name == "20261001-000000-ffff"
    with pytest.raises(UsageError, match="there is no run '20261123-012238-4b79'") as caught:
        find_run(tmp_path, "20261123-012238-4b79")
    assert RUN in str(caught.value.hint)
