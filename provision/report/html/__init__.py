"""A run as one page that needs nothing else: to be kept, attached to a ticket, read by others."""

from __future__ import annotations

from provision.report.html.listener import HtmlReport, write_page
from provision.report.html.page import render
from provision.report.html.record import Record, record_of

__all__ = ["HtmlReport", "Record", "record_of", "render", "write_page"]
