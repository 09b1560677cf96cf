"""The project's promises about itself."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import zhirong

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def _tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / line for line in listing.splitlines()]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    pins = re.findall(r"^[a-z0-9][\w.-]*==", text, flags=re.M)
    assert pins
    assert text.count("--hash=sha256:") >= len(pins)


def test_every_dependency_has_a_line_of_reason() -> None:
    project = _project()["project"]
    extras = project["optional-dependencies"]
    named = project["dependencies"] + extras["spark"] + extras["platform"] + extras["semantic"]
    page = (ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text("utf-8")
    for requirement in named:
        name = re.match(r"[a-z0-9-]+", requirement).group()
        assert name in page, f"{name} has no reason in docs/decisions/0002-dependencies.md"


def test_architecture_page_lists_the_layers_of_the_contract() -> None:
    contract = next(c for c in _project()["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    layers = [layer.replace("(", "").replace(")", "") for layer in contract["layers"]]
    page = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("```")[1]
    listed = [re.split(r"\s{2,}", line)[0] for line in page.strip().splitlines()]
    assert listed == layers


def test_version_is_said_once() -> None:
    assert _project()["project"]["version"] == zhirong.__version__


def test_nothing_tracked_names_a_machine_or_a_registry() -> None:
    dot = r"\."
    hosts = "|".join(dot.join(parts) for parts in (("pypi", "org"), ("files", "pythonhosted"), ("registry", "npmjs")))
    pattern = re.compile(rf"{hosts}|(?<![\w.])/(?:work|root|home)/\w")
    found = []
    for path in _tracked():
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".json", ".html", ".typ"} and path.is_file():
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                if pattern.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}")
    assert found == []


def test_no_registry_lock_is_tracked() -> None:
    assert not {path.name for path in _tracked()} & {"uv.lock", "poetry.lock", "Pipfile.lock"}


def test_public_names_exist_and_are_pinned() -> None:
    for name in zhirong.__all__:
        assert hasattr(zhirong, name), name


def test_every_decision_is_accepted_or_superseded() -> None:
    for page in sorted((ROOT / "docs" / "decisions").glob("0*.md")):
        assert re.search(r"^(Accepted|Superseded)\b", page.read_text("utf-8"), flags=re.M), page.name
