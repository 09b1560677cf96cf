"""From a valuation to files: `report.html`, `report.pdf`, `report.xlsx`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zhirong.indicators.scoring.types import IndicatorReading, PatentScore
from zhirong.kernel.errors import UnknownNameError
from zhirong.kernel.text import LANGUAGES, Language
from zhirong.reports.blocks import Document, Section
from zhirong.reports.content import build_document
from zhirong.reports.paper import pdf_bytes
from zhirong.reports.web import html_page
from zhirong.reports.workbook import Sheet, sheets_of, workbook_bytes
from zhirong.valuation.types import Valuation

__all__ = ["FORMS", "ReportFiles", "render", "write_forms"]

FORMS: tuple[str, ...] = ("html", "pdf", "xlsx")


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where a report was written; None for a form that was not asked for."""

    html: Path | None
    pdf: Path | None
    xlsx: Path | None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that were written."""
        return tuple(path for path in (self.html, self.pdf, self.xlsx) if path is not None)


def render(
    valuation: Valuation,
    *,
    lang: Language,
    out: Path,
    score: PatentScore | None = None,
    readings: Sequence[IndicatorReading] = (),
    forms: Collection[str] = FORMS,
    name: str = "report",
    more: Sequence[Section] = (),
) -> ReportFiles:
    """Write the report of one valuation.

    Parameters
    ----------
    valuation : Valuation
        The record.
    lang : str
        zh or en.
    out : Path
        Folder; made where it does not exist.
    score : PatentScore, optional
        Grade and dimensions; unknown without it.
    readings : sequence of IndicatorReading, optional
        Indicators to show; those of the score where not given.
    forms : collection of str
        Of ``html``, ``pdf``, ``xlsx``.
    name : str
        File name without extension.
    more : sequence of Section
        Sections at the end, in the report's language.

    Returns
    -------
    ReportFiles

    Raises
    ------
    UnknownNameError
        For a language or form that does not exist.
    """
    if lang not in LANGUAGES:
        raise UnknownNameError("language", lang, LANGUAGES)
    shown = tuple(readings) or (score.readings if score else ())
    document = build_document(valuation, lang=lang, score=score, readings=shown)
    document = replace(document, sections=(*document.sections, *more))
    sheets = sheets_of(valuation, lang=lang, score=score, readings=shown) if "xlsx" in forms else []
    return write_forms(document, sheets, out=out, forms=forms, name=name)


def write_forms(
    document: Document, sheets: Sequence[Sheet], *, out: Path, forms: Collection[str], name: str
) -> ReportFiles:
    """Write a document and its sheets in the forms asked for."""
    for form in forms:
        if form not in FORMS:
            raise UnknownNameError("report form", form, FORMS)
    out.mkdir(parents=True, exist_ok=True)
    paths = {form: out / f"{name}.{form}" for form in FORMS if form in forms}
    if "html" in paths:
        paths["html"].write_text(html_page(document), "utf-8", newline="\n")
    if "pdf" in paths:
        paths["pdf"].write_bytes(pdf_bytes(document))
    if "xlsx" in paths:
        title = f"{document.title} · {document.subject}"
        paths["xlsx"].write_bytes(workbook_bytes(sheets, title=title, banner=document.banner))
    return ReportFiles(paths.get("html"), paths.get("pdf"), paths.get("xlsx"))
