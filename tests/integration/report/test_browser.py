"""The page of a run in a real browser: it fits, it is complete, and it is at peace."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from provision.report.html import record_of, render
from tests.integration.report.browser import Browser
from tests.unit.html_report.runs import failed_deploy, fleet

pytestmark = pytest.mark.integration

WIDTHS = (1280, 400)
RUNS = {"failed": failed_deploy, "fleet": lambda: fleet(200)}

# Opens everything, looks for what is wider than the window, then filters by a host's name.
PROBE = """
const found = [];
for (const frame of document.querySelectorAll("iframe")) {
  const page = frame.contentDocument, view = frame.contentWindow;
  for (const fold of page.querySelectorAll("details")) fold.open = true;
  const wide = [...page.querySelectorAll("body *")].filter((part) => {
    const inside = part.closest("pre, .track, .row .name, .message");
    return (!inside || inside === part) && part.getBoundingClientRect().right > view.innerWidth + 1;
  });
  const visible = () => [...page.querySelectorAll("#hosts tbody tr")]
    .filter((row) => row.offsetParent !== null).map((row) => row.dataset.hosts);
  const result = {
    window: view.innerWidth, scroll: page.documentElement.scrollWidth,
    wide: wide.slice(0, 5).map((part) => part.outerHTML.slice(0, 120)),
    hosts: visible(), drawn: page.querySelectorAll(".chart.hosts .row").length,
    loaded: view.performance.getEntriesByType("resource").map((entry) => entry.name),
  };
  const filter = page.getElementById("filter");
  filter.value = result.hosts[1];
  filter.dispatchEvent(new view.Event("input"));
  found.push({...result, filtered: visible()});
}
document.body.innerHTML = "<pre id=found></pre>";
document.getElementById("found").textContent = JSON.stringify(found);
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the pages, and one around each that shows it in windows of both widths."""
    directory = tmp_path_factory.mktemp("pages")
    for name, events in RUNS.items():
        (directory / f"{name}.html").write_text(render(record_of(events())))
        frames = "".join(
            f'<iframe src="{name}.html" width="{width}" height="900"></iframe>' for width in WIDTHS
        )
        around = f"<!doctype html><body>{frames}<script>onload = () => {{{PROBE}}}</script>"
        (directory / f"around-{name}.html").write_text(around)
    return directory


@pytest.mark.parametrize("run", RUNS)
def test_the_page_fits_and_is_complete(browser: Browser, pages: Path, run: str) -> None:
    dom, console = browser.dom(pages, f"around-{run}.html")
    match = re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)
    assert match, dom[:2000]
    found: list[dict[str, Any]] = json.loads(html.unescape(match.group(1)))
    assert [it["window"] for it in found] == list(WIDTHS)
    hosts = list(record_of(RUNS[run]()).hosts)
    for it in found:
        assert it["scroll"] <= it["window"] and not it["wide"], it["wide"]
        assert it["hosts"] == hosts and it["drawn"] == len(hosts)
        assert it["loaded"] == []
        assert it["filtered"] == [hosts[1]]
    assert console == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_drawn_in_light_and_dark(
    browser: Browser, pages: Path, tmp_path: Path, scheme: str
) -> None:
    picture = browser.screenshot(pages, "failed.html", dark=scheme == "dark")
    (tmp_path / "page.png").write_bytes(picture)
    assert picture.startswith(b"\x89PNG") and len(picture) > 20_000
    corner = browser.first_pixel(picture)
    assert (sum(corner) < 150) is (scheme == "dark"), corner
