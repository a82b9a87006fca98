"""``provision report``: a run of the past as a page."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report")
@click.argument("run", default="last")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Where to write the page; '-' prints it. [default: report.html beside the run's log]",
)
def command(run: str, output: Path | None) -> None:
    """Write what happened in RUN, an id as in `provision history`, or `last`, as a page of HTML.

    The page needs nothing else: it can be kept, sent, and attached to a ticket. Secrets are masked
    in it as they are everywhere.
    """
    from provision.report import RUNS, find_run, read_events
    from provision.report.html import HtmlReport, record_of, render

    log = find_run(RUNS, run)
    path = output or log.with_name("report.html")
    if str(path) == "-":
        click.echo(render(record_of(read_events(log))))
        return
    page = HtmlReport(path)
    for event in read_events(log):
        page(event)
    page.close()
    click.echo(str(path))
