"""The root of the command line."""

from __future__ import annotations

import click

from zhirong import __version__

__all__ = ["cli"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="zhirong")
def cli() -> None:
    """Zhirong 知融: value, finance, trade and supervise patents.

    Every number has an interval, an explanation and a source. Start with `zhirong demo`.
    """
