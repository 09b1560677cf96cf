"""Archives are unpacked one member at a time; everything that could harm is refused by name and the rest is read."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from zhirong.evidence.archives import unpacked
from zhirong.evidence.reading import Limits
from zhirong.kernel.findings import Finding


def walk(path: Path, tmp_path: Path, limits: Limits | None = None) -> tuple[dict[str, bytes], list[Finding]]:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    found: list[Finding] = []
    read = {m.name: m.path.read_bytes() for m in unpacked(path, scratch, limits=limits or Limits(), found=found.append)}
    assert not list(scratch.iterdir()), "nothing is left in the scratch folder"
    assert not (tmp_path / "evil").exists()
    return read, found


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_plain_and_compressed_files(tmp_path: Path) -> None:
    plain = tmp_path / "a.txt"
    plain.write_bytes(b"one")
    assert walk(plain, tmp_path) == ({"a.txt": b"one"}, [])
    packed = tmp_path / "b.txt.gz"
    packed.write_bytes(gzip.compress(b"two"))
    assert walk(packed, tmp_path) == ({"b.txt.gz": b"two"}, [])


def test_members_of_zip_and_tar(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", **{"x.xml": b"1", "folder/y.xml": b"2"})
    assert walk(archive, tmp_path)[0] == {"a.zip/x.xml": b"1", "a.zip/folder/y.xml": b"2"}
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("x.xml")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    assert walk(tmp_path / "a.tar.gz", tmp_path)[0] == {"a.tar.gz/x.xml": b"abc"}


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:/evil"])
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    read, found = walk(zipped(tmp_path / "a.zip", **{name: b"x", "good.xml": b"y"}), tmp_path)
    assert [f.rule for f in found] == ["archive.path_traversal"]
    assert list(read.values()) == [b"y"]


def test_bombs_links_and_nested_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.xml", b"\0" * (20 << 20))
        archive.writestr("inner.zip", b"PK")
        link = zipfile.ZipInfo("link.xml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("good.xml", b"y")
    read, found = walk(path, tmp_path)
    assert [f.rule for f in found] == ["archive.bomb", "archive.nested", "archive.link"]
    assert list(read.values()) == [b"y"]
    assert [f.rule for f in walk(zipped(tmp_path / "b.zip", x=b"12345"), tmp_path, Limits(archive_bytes=3))[1]] == [
        "archive.too_large"
    ]


def test_damaged_archives_are_findings(tmp_path: Path) -> None:
    whole = gzip.compress(b"x" * 100_000)
    cut = tmp_path / "cut.xml.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    assert [f.rule for f in walk(cut, tmp_path)[1]] == ["archive.damaged"]
    fake = tmp_path / "fake.zip"
    fake.write_bytes(b"not a zip")
    assert [f.rule for f in walk(fake, tmp_path)[1]] == ["archive.damaged"]
    with tarfile.open(tmp_path / "t.tar", "w") as tar:
        link = tarfile.TarInfo("link")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/passwd"
        tar.addfile(link)
    assert [f.rule for f in walk(tmp_path / "t.tar", tmp_path)[1]] == ["archive.link"]
