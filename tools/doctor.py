"""Say which optional system tools are here, what each is for, and how to get it.

`make test` prints this and goes on without what is missing; `make test-all` and the project's continuous integration
call it with --install, which uses apt-get where that is there and allowed, and fails when something stays missing.
"""

from __future__ import annotations

import argparse
import ctypes.util
import os
import shutil
import subprocess
import sys

TOOLS = [
    # name, commands (any), Debian package, what for
    ("Java 17", ("java",), "openjdk-17-jre-headless", "Apache Spark: the second table engine"),
    ("Poppler", ("pdftoppm",), "poppler-utils", "looking at the PDF report as pictures"),
    (
        "Chromium",
        ("chromium", "chromium-browser", "google-chrome"),
        "chromium",
        "looking at the HTML report in a browser",
    ),
    (
        "PostgreSQL",
        ("pg_ctl", "postgres", "psql"),
        "postgresql",
        "the platform's production database; nothing uses it yet",
    ),
]
LIBRARIES = [("OpenMP", "gomp", "libgomp1", "learning from labels (LightGBM)")]
NEEDED = {"Java 17", "Poppler", "Chromium", "OpenMP"}


def missing() -> list[tuple[str, str, str]]:
    found = []
    for name, commands, package, purpose in TOOLS:
        if not any(shutil.which(command) for command in commands):
            found.append((name, package, purpose))
    found += [
        (name, package, purpose)
        for name, library, package, purpose in LIBRARIES
        if ctypes.util.find_library(library) is None
    ]
    return found


def install(packages: list[str]) -> None:
    if shutil.which("apt-get") is None:
        return
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*sudo, "apt-get", "update", "-qq"], check=False, env=environment)
    subprocess.run(
        [*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], check=False, env=environment
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--install", action="store_true", help="install what is missing; fail if it stays missing")
    arguments = parser.parse_args()
    absent = [row for row in missing() if row[0] in NEEDED] if arguments.install else missing()
    if arguments.install and absent:
        install([package for _, package, _ in absent])
        absent = [row for row in missing() if row[0] in NEEDED]
    for name, package, purpose in absent:
        print(f"not here: {name} - {purpose}. Its tests are skipped. To get it: apt-get install {package}")
    if not absent:
        print("every optional tool is here")
    return 1 if arguments.install and absent else 0


if __name__ == "__main__":
    sys.exit(main())
