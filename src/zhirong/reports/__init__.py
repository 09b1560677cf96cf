"""What people read: HTML, PDF and Excel in Chinese and English, from one record, with one chart grammar."""

from zhirong.reports.content import build_document
from zhirong.reports.portfolio import build_portfolio, render_portfolio
from zhirong.reports.render import ReportFiles, render

__all__ = ["ReportFiles", "build_document", "build_portfolio", "render", "render_portfolio"]
