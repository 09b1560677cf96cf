"""The command `zhirong`. Exit codes: 0 done, 1 done but with errors in the data, 2 could not be done."""

from __future__ import annotations

import sys

import click

from zhirong import __version__
from zhirong.kernel.errors import ZhirongError

__all__ = ["cli", "main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="zhirong")
def cli() -> None:
    """Zhirong 知融: value, finance, trade and supervise patents.

    Every number has an interval, an explanation and a source. Start with `zhirong demo`.
    """


def main() -> None:
    """Run the command line; a mistake of use is one line on the error stream and exit code 2."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        click.echo("aborted", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ZhirongError as error:
        click.echo(f"error [{error.code}]: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
