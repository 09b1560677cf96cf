"""Fixtures that every test shares: engines, the real-data folder, a scratch store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from zhirong.tables import Engine, connect

settings.register_profile(
    "zhirong", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
settings.load_profile("zhirong")

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
SHARED_REFERENCE = ROOT.parent / "shared" / "reference"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run slow tests too, and let nothing be skipped")


def _missing(config: pytest.Config, what: str) -> None:
    """Skip, naming what is missing; with --all a missing thing is a failure."""
    if config.getoption("--all"):
        pytest.fail(f"{what}, and --all lets nothing be skipped", pytrace=False)
    pytest.skip(what)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        # All Spark tests go to one worker, so that one Spark is started and not one for each.
        if "spark" in item.keywords or "spark_engine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("spark"))
    if config.getoption("--all"):
        return
    slow = pytest.mark.skip(reason="slow: runs in `make test-all`")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(slow)


@pytest.fixture(scope="session")
def shared_data(request: pytest.FixtureRequest) -> Path:
    """The folder of real data beside the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data beside the project (../shared/data) is not here")
    return SHARED_DATA


@pytest.fixture(scope="session")
def duckdb_engine() -> Iterator[Engine]:
    with connect("duckdb") as engine:
        yield engine


@pytest.fixture(scope="session")
def spark_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """One Spark for the session: start-up is most of its cost."""
    if shutil.which("java") is None:
        _missing(request.config, "Java 17 is not installed, so Spark cannot run")
    try:
        import pyspark  # noqa: F401
    except ImportError:
        _missing(request.config, "PySpark is not installed (extra: spark)")
    with connect("spark", threads=1) as engine:
        yield engine


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn; an expression test takes this and runs twice."""
    return request.getfixturevalue(f"{request.param}_engine")
