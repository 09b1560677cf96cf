"""Unpacking, one member at a time, into a scratch folder, with every known trick refused.

A member is refused with a finding, and the next one is taken, when its name leaves the folder, when it is a link, is
encrypted, is an archive itself, unpacks to more than the limits allow, or is damaged.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from zhirong.evidence.reading import Limits
from zhirong.kernel.findings import Finding, Severity

__all__ = ["Member", "unpacked"]

_COMPRESSED: Mapping[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
_BLOCK = 1 << 20
_RATIO_FROM = 8 << 20
"""Below this size a high ratio is harmless: a file of blanks compresses well."""
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    OSError,
)


@dataclass(frozen=True, slots=True)
class Member:
    """One plain file to read: where it lies now, and the name to show."""

    path: Path
    name: str


class _RefusedError(Exception):
    """Internal: a member is not taken; holds rule and message."""

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        super().__init__(message)


def unpacked(path: Path, scratch: Path, *, limits: Limits, found: Callable[[Finding], None]) -> Iterator[Member]:
    """Yield the plain files in a file: itself, what it unpacks to, or the members of an archive.

    Parameters
    ----------
    path : Path
        Any file. ``.zip``, ``.tar`` and its compressed forms, ``.gz``, ``.bz2`` and ``.xz`` are unpacked; office documents
        (``.xlsx``, ``.docx``), which are zip files too, are not.
    scratch : Path
        Folder for one unpacked member at a time; the member is removed when the next is asked for.
    limits : Limits
        `archive_ratio` and `archive_bytes` bound what is unpacked.
    found : callable
        Takes the findings.

    Yields
    ------
    Member
    """
    lower = path.name.lower()
    try:
        if lower.endswith(".zip"):
            yield from _zip(path, scratch, limits, found)
        elif lower.endswith(_ARCHIVES):
            yield from _tar(path, scratch, limits, found)
        elif path.suffix.lower() in _COMPRESSED:
            yield from _compressed(path, scratch, limits, found)
        else:
            yield Member(path, path.name)
    except _DAMAGED as error:
        found(_finding("archive.damaged", path.name, f"the archive is damaged or cut off: {error}"))


def _finding(rule: str, name: str, message: str) -> Finding:
    return Finding(rule, Severity.FATAL, name, message)


def _compressed(path: Path, scratch: Path, limits: Limits, found: Callable[[Finding], None]) -> Iterator[Member]:
    target = scratch / path.stem
    with _COMPRESSED[path.suffix.lower()](path, "rb") as stream:
        yield from _take(stream, target, path.name, path.stat().st_size, limits, found)


def _zip(path: Path, scratch: Path, limits: Limits, found: Callable[[Finding], None]) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            shown = f"{path.name}/{info.filename}"
            try:
                target = _target(info.filename, scratch)
                if stat.S_ISLNK(info.external_attr >> 16):
                    raise _RefusedError("archive.link", "a link was refused")
                if info.flag_bits & 1:
                    raise _RefusedError("archive.encrypted", "an encrypted member was refused; unpack it first")
            except _RefusedError as refusal:
                found(_finding(refusal.rule, shown, str(refusal)))
                continue
            with archive.open(info) as stream:
                yield from _take(stream, target, shown, info.compress_size, limits, found)


def _tar(path: Path, scratch: Path, limits: Limits, found: Callable[[Finding], None]) -> Iterator[Member]:
    with tarfile.open(path, "r|*") as archive:
        for info in archive:
            if info.isdir():
                continue
            shown = f"{path.name}/{info.name}"
            try:
                target = _target(info.name, scratch)
                if not info.isreg():
                    raise _RefusedError("archive.link", "a link or device was refused")
            except _RefusedError as refusal:
                found(_finding(refusal.rule, shown, str(refusal)))
                continue
            stream = archive.extractfile(info)
            assert stream is not None, "a regular member has content"
            yield from _take(stream, target, shown, path.stat().st_size, limits, found)


def _target(name: str, scratch: Path) -> Path:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or (parts.parts and parts.parts[0].endswith(":")):
        raise _RefusedError("archive.path_traversal", f"the member name {name!r} leaves the folder; it was refused")
    if name.lower().endswith((*_ARCHIVES, *_COMPRESSED)):
        raise _RefusedError("archive.nested", f"{name!r} is an archive inside an archive; unpack it first")
    return scratch / parts.name


def _take(
    stream: IO[bytes], target: Path, shown: str, packed: int, limits: Limits, found: Callable[[Finding], None]
) -> Iterator[Member]:
    """Copy a member to the scratch folder within the limits, yield it, remove it."""
    try:
        try:
            _copy(stream, target, packed, limits)
        except _RefusedError as refusal:
            found(_finding(refusal.rule, shown, str(refusal)))
            return
        except _DAMAGED as error:
            found(_finding("archive.damaged", shown, f"the member is damaged or cut off: {error}"))
            return
        yield Member(target, shown)
    finally:
        target.unlink(missing_ok=True)


def _copy(stream: IO[bytes], target: Path, packed: int, limits: Limits) -> None:
    done = 0
    with target.open("wb") as file:
        while block := stream.read(_BLOCK):
            done += len(block)
            if done > limits.archive_bytes:
                raise _RefusedError("archive.too_large", f"it unpacks to more than {limits.archive_bytes:,} bytes")
            if done > _RATIO_FROM and done > limits.archive_ratio * max(packed, 1):
                raise _RefusedError(
                    "archive.bomb",
                    f"it unpacks to more than {limits.archive_ratio} times its size; refused as a zip bomb",
                )
            file.write(block)
