"""`zhirong sample`, `import`, `check`: from files to an evidence store."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import yaml

from zhirong.cli.group import cli
from zhirong.cli.output import emit, format_option, language_option, note, progress_bar, text_of
from zhirong.cli.words import said
from zhirong.evidence import templates
from zhirong.evidence.checking import check_store
from zhirong.evidence.formats import READERS
from zhirong.evidence.importing import import_files
from zhirong.evidence.linkage import LinkOptions
from zhirong.evidence.linking import link_store
from zhirong.evidence.reading import ReadOptions
from zhirong.evidence.sheets import propose_mapping
from zhirong.kernel.errors import DomainError
from zhirong.kernel.findings import Severity
from zhirong.kernel.text import Language
from zhirong.reports.texts import RULES_ZH
from zhirong.sample import write_world
from zhirong.tables import Store

__all__ = ["check", "import_", "link", "sample"]


@cli.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--patents", type=click.IntRange(min=100), default=20_000, show_default=True, help="How many patents.")
@click.option("--seed", default=20_240_101, show_default=True, help="Seed; the same seed gives the same bytes.")
def sample(out: Path, patents: int, seed: int) -> None:
    """Write an evidence store of the synthetic world to OUT.

    Everything in it is labelled synthetic and says nothing about real patents.

    Example: zhirong sample world --patents 2000
    """
    with progress_bar("making the synthetic world") as progress:
        store = write_world(out, patent_count=patents, seed=seed, progress=progress)
    for name, record in store.manifest.tables.items():
        note(f"{name:22} {record.row_count:>12,} rows")


@cli.command("import", context_settings={"ignore_unknown_options": False})
@click.argument("format_name", metavar="FORMAT", required=False)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--store", type=click.Path(path_type=Path), help="The evidence store; made where missing.")
@click.option("--mapping", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Mapping file (sheets).")
@click.option("--propose", is_flag=True, help="Import nothing: propose a mapping for a sheet and print it.")
@click.option("--list", "list_", is_flag=True, help="List the formats; with FORMAT template, the templates.")
@click.option("--write", type=click.Path(path_type=Path), help="With FORMAT template and a NAME: write the template.")
@format_option
@language_option
def import_(
    format_name: str | None,
    paths: tuple[Path, ...],
    store: Path | None,
    mapping: Path | None,
    propose: bool,
    list_: bool,
    write: Path | None,
    form: str,
    lang: Language,
) -> None:
    """Read files of one FORMAT into an evidence store; `auto` finds the format of each file.

    A bad record is reported with file, row and field, and the rest is imported. The exit code is 1 when records were
    refused.

    \b
    Examples:
      zhirong import --list
      zhirong import auto exports/*.xml --store mystore
      zhirong import sheet 专利导出.xlsx --propose > mapping.yaml
      zhirong import sheet 专利导出.xlsx --mapping mapping.yaml --store mystore
      zhirong import template --list
      zhirong import template deals --write deals.xlsx
      zhirong import template deals.xlsx --store mystore
    """
    if format_name == "template" and (list_ or write):
        _templates(paths, write, form, lang)
    elif list_ or format_name is None:
        rows = [
            {"format": name, "version": reader.version, "description": text_of(reader.description, lang)}
            for name, reader in sorted(READERS.items())
        ]
        emit(rows, form, lang=lang)
    elif propose:
        for path in paths:
            click.echo(propose_mapping(path).to_yaml(), nl=False)
    else:
        _import(format_name, paths, store, mapping, form, lang)


def _templates(paths: tuple[Path, ...], write: Path | None, form: str, lang: Language) -> None:
    if write is None:
        emit([template.as_row(lang) for template in templates.list_templates()], form, lang=lang)
        return
    if len(paths) != 1:
        raise DomainError("name one template: zhirong import template NAME --write FILE; --list shows the names")
    if write.exists():
        raise DomainError(f"{write} is there already and may be filled in; remove it or name another file")
    templates.write_template(str(paths[0]), write, lang=lang)
    note(said(lang, f"已写出 {write}", f"wrote {write}"))


def _import(
    format_name: str, paths: tuple[Path, ...], store: Path | None, mapping: Path | None, form: str, lang: Language
) -> None:
    if store is None or not paths:
        raise DomainError("give at least one PATH and --store DIR")
    content = yaml.safe_load(mapping.read_text("utf-8")) if mapping else None
    with progress_bar(f"importing {len(paths)} path(s)") as progress:
        options = ReadOptions(mapping=content, progress=progress)
        report = import_files(None if format_name == "auto" else format_name, paths, store, options=options)
    emit([source.as_dict() for source in report.sources], form, lang=lang)
    for finding in list(report.log)[:20]:
        note(said(lang, f"{RULES_ZH.get(finding.rule, finding.rule)}｜{finding}", str(finding)))
    if (found := len(report.log)) > 20:
        note(
            said(
                lang,
                f"……共 {found} 条发现；用 `zhirong check {store}` 查看计数",
                f"... {found} findings in all; `zhirong check {store}` counts them",
            )
        )
    bad = report.log.count(severity=Severity.ERROR) + report.log.count(severity=Severity.FATAL)
    raise click.exceptions.Exit(1 if bad else 0)


@cli.command()
@click.argument("store", type=click.Path(path_type=Path))
@format_option
@language_option
def check(store: Path, form: str, lang: Language) -> None:
    """Show findings and coverage of a store, by table and column; exit code 1 when records were refused.

    Example: zhirong check mystore --format json
    """
    report = check_store(Store.open(store))
    emit(report.rows(), form, lang=lang)
    raise click.exceptions.Exit(1 if report.has_errors else 0)


@cli.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--threshold", default=0.65, show_default=True, help="Least probability of a link, 0 to 1.")
@format_option
@language_option
def link(store: Path, threshold: float, form: str, lang: Language) -> None:
    """Find the names in a store that are one party, and write the clusters into it.

    Example: zhirong link mystore
    """
    report = link_store(store, LinkOptions(threshold=threshold))
    emit([asdict(report)], form, lang=lang)
