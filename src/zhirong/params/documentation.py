"""The generated page of parameters: every value, its dates, its source and how strong that is."""

from __future__ import annotations

import json

from zhirong.params.book import load

__all__ = ["parameters_page"]


def parameters_page() -> str:
    """Return Markdown: one section for each first part of the path, one row for each dated value."""
    book = load()
    lines = [
        "# Parameters",
        "",
        "Values of law and market, each with the day from which it holds and its source. Code asks for a value *at a date*;",
        "a day outside the declared validity is an error, never the nearest value. A grade of `recalled` means that nobody",
        "has checked the number against a text yet, `assumed` that it is an assumption of this project; both are shown as",
        "such in every report and can be replaced by a file of the same form.",
        "",
    ]
    section = ""
    for path in book:
        if path.split(".")[0] != section:
            section = path.split(".")[0]
            head = ["parameter", "中文", "unit", "from", "to", "value", "range", "grade", "source"]
            lines += ["", f"## {section}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        for p in book.series(path):
            span = "" if p.low is None and p.high is None else f"{p.low:g} to {p.high:g}"
            title = f"[{p.source.title}]({p.source.link})" if p.source.link else p.source.title
            value = json.dumps(p.value, ensure_ascii=False, default=str)
            days = (p.effective_from, p.effective_to or "")
            cells = [f"`{path}`", p.label.zh, p.unit, *days, f"`{value}`", span, p.source.grade, title]
            lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
