"""From a record to a document: title, banner, first page, sections, footer."""

from __future__ import annotations

from collections.abc import Sequence

from zhirong.indicators.scoring.types import IndicatorReading, PatentScore
from zhirong.kernel.text import Language
from zhirong.reports.blocks import Document
from zhirong.reports.sections import body
from zhirong.reports.summary import build_summary
from zhirong.reports.texts import say
from zhirong.valuation.types import Valuation

__all__ = ["build_document", "footer"]


def build_document(
    valuation: Valuation,
    *,
    lang: Language,
    score: PatentScore | None = None,
    readings: Sequence[IndicatorReading] = (),
) -> Document:
    """Return the report of one valuation as plain blocks.

    Parameters
    ----------
    valuation : Valuation
        The record.
    lang : str
        zh or en.
    score : PatentScore, optional
        Without it the grade is unknown.
    readings : sequence of IndicatorReading, optional
        Indicators to show; those of the score where not given.

    Returns
    -------
    Document
    """
    shown = tuple(readings) or (score.readings if score else ())
    return Document(
        lang=lang,
        title=say("report.title", lang),
        subject=valuation.subject_id,
        banner=say("banner.synthetic", lang) if valuation.is_synthetic else "",
        summary=build_summary(valuation, lang=lang, score=score, readings=shown),
        sections=body(valuation, lang=lang, score=score, readings=shown),
        footer=footer(valuation, lang),
        contents_label=say("report.contents", lang),
    )


def footer(valuation: Valuation, lang: Language) -> str:
    """Return version, date and fingerprint in one line."""
    record = valuation.provenance
    return say(
        "report.footer",
        lang,
        version=record.code_version,
        as_of=valuation.as_of.isoformat(),
        fingerprint=record.fingerprint()[:12],
    )
