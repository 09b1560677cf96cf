"""The command `zhirong`. Exit codes: 0 done, 1 done but with errors in the data, 2 could not be done."""

from __future__ import annotations

import sys

import click

from zhirong.cli import demo, evidence, finance, learn, navigate, validate, value
from zhirong.cli.group import cli
from zhirong.kernel.errors import ZhirongError

__all__ = ["COMMANDS", "cli", "main"]

COMMANDS = (demo, evidence, finance, learn, navigate, validate, value)
"""Modules whose import puts their commands under `cli`."""


def main() -> None:
    """Run the command line; a mistake of use is one line on the error stream and exit code 2."""
    try:
        code = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
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
    except OSError as error:
        click.echo(f"error [io]: {error.filename or ''}: {error.strerror or error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
