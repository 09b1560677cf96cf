"""Results of fits kept beside a store, in ``.<store>.cache/``, so that a single valuation need not fit anew.

A kept file is named by the fingerprint of all it depends on: the tables of the store, the day, every parameter, the source code of
the package, and the versions of what it computes with. So a stale one is never read, removing the folder is always safe, and a
folder that cannot be written is left alone. Reading builds only records of this package, NumPy arrays and dates: a file that asks
for anything else is not obeyed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import logging
import os
import pickle
import sys
from collections.abc import Callable
from datetime import date
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from zhirong.kernel.provenance import fingerprint
from zhirong.params import ParameterBook
from zhirong.tables import Store

__all__ = ["code_fingerprint", "kept", "read_kept", "write_kept"]

T = TypeVar("T")
_log = logging.getLogger(__name__)
_CODE = ("kernel", "params", "tables", "evidence", "indicators", "numerics", "valuation")
_LIBRARIES = ("numpy", "scipy", "ibis-framework", "duckdb", "numba")
_NUMPY = {
    "numpy": ("ndarray", "dtype"),
    "numpy._core.multiarray": ("_reconstruct", "scalar"),
    "numpy._core.numeric": ("_frombuffer",),
    "numpy.core.multiarray": ("_reconstruct", "scalar"),  # before NumPy 2
    "numpy.core.numeric": ("_frombuffer",),
    "scipy.sparse._csr": ("csr_matrix", "csr_array"),
    "scipy.sparse._csc": ("csc_matrix", "csc_array"),
    "datetime": ("date",),
    "copyreg": ("_reconstructor",),
    "builtins": ("object", "frozenset", "set", "slice", "range", "complex"),
}
"""Names outside the package that a kept file may refer to."""


def kept(store: Store, as_of: date, book: ParameterBook, kind: type[T], make: Callable[[], T]) -> T:
    """Return what `make` returns, from the cache beside the store where it is there.

    Parameters
    ----------
    store : Store
        Evidence.
    as_of : date
        Day.
    book : ParameterBook
        Parameters.
    kind : type
        Type of the answer; its name is part of the file's.
    make : callable
        Computes the answer, where the cache has none.

    Returns
    -------
    object
        An instance of `kind`. Always as read back from bytes, so that it is the same whether it was kept or not.
    """
    name = fingerprint(
        {
            "what": kind.__qualname__, "as_of": as_of.isoformat(), "data": store.fingerprints(), "code": code_fingerprint(),
            "parameters": {path: [p.version for p in book.series(path)] for path in book},
            "sources": [source.sha256 for source in store.manifest.sources],
        }
    )  # fmt: skip
    path = store.path.parent / f".{store.path.name}.cache" / f"{kind.__name__.lower()}-{name[:24]}.bin"
    found = read_kept(path, kind)
    if found is None:
        data = _sealed(make())
        try:
            path.parent.mkdir(exist_ok=True)
            _write(path, data)
        except OSError as err:
            _log.info("fits are not kept: %s", err)
        found = _read(data, kind)
        assert found is not None, f"{kind.__name__} is made of what can be kept"
    return found


def write_kept(path: Path, value: Any) -> None:
    """Write a value for `read_kept` in another process, whole or not at all."""
    _write(path, _sealed(value))


def read_kept(path: Path, kind: type[T]) -> T | None:
    """Return what a file holds; None where it is missing, damaged, or not of the kind."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return _read(data, kind)


@cache
def code_fingerprint() -> str:
    """Return the fingerprint of the package's source code and of the libraries that it computes with."""
    digest = hashlib.sha256(f"{sys.version_info[:3]}".encode())
    for library in _LIBRARIES:
        digest.update(f"{library}={metadata.version(library)}".encode())
    root = resources.files("zhirong")
    for part in _CODE:
        _add(digest, root / part, part)
    return digest.hexdigest()


def _add(digest: Any, folder: Traversable, name: str) -> None:
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        inside = f"{name}/{entry.name}"
        if entry.is_dir():
            _add(digest, entry, inside)
        elif entry.name.endswith(".py"):
            digest.update(inside.encode() + entry.read_bytes())


class _Reader(pickle.Unpickler):
    """Builds only classes of this package and a closed list of others."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "zhirong" or module.startswith("zhirong."):
            found = getattr(importlib.import_module(module), name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        elif name in _NUMPY.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"a kept file may not hold {module}.{name}")


def _sealed(value: Any) -> bytes:
    body = pickle.dumps(value, protocol=5)
    return hashlib.sha256(body).digest() + body


def _read(data: bytes, kind: type[T]) -> T | None:
    """Return what a file holds; None where it is damaged, or not what it should be."""
    if hashlib.sha256(data[32:]).digest() != data[:32]:
        return None
    try:
        found = _Reader(io.BytesIO(data[32:])).load()
    except (pickle.UnpicklingError, AttributeError, ImportError, EOFError, TypeError, ValueError) as err:
        _log.warning("kept fits are not used: %s", err)
        return None
    return found if isinstance(found, kind) else None


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
