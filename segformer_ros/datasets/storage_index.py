# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where in a zip, tar or HDF5 archive each file lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import tarfile
from typing import Any, Literal, NamedTuple
import zipfile

from segformer_ros.datasets.sample import DatasetError


class Extent(NamedTuple):
    """
    Where one file lies.

    :param offset: Of its first byte, in zip of the entry in front of it.
    :param size: Stored bytes.
    :param kind: 'plain' bytes, an entry of a zip that is 'stored' or 'deflated', or something
        that only the library of 'hdf5' can read.
    :param checksum: CRC-32 in zip, 0 elsewhere.
    """

    offset: int
    size: int
    kind: Literal['plain', 'stored', 'deflated', 'hdf5'] = 'plain'
    checksum: int = 0


_DAMAGE = (OSError, KeyError, RuntimeError, tarfile.TarError, zipfile.BadZipFile)


def index(path: Path) -> dict[str, Extent]:
    """
    Find every file of an archive.

    :param path: .zip, .tar or .hdf5.
    :raises DatasetError: It is missing, damaged, or packed in a way that has no random access.
    """
    read = {'.zip': _zip, '.tar': _tar, '.hdf5': _hdf5}[path.suffix]
    if not path.is_file():
        raise DatasetError(f'expected an archive {path}, found nothing')
    try:
        return dict(read(path))
    except _DAMAGE as error:
        raise DatasetError(
            f'expected a whole {path.suffix[1:]} archive in {path}, found another file or a part '
            f'of one ({error}): fetch it again'
        ) from error


def _visible(name: str) -> str:
    """Return the name without a leading './'; empty where a part of it is hidden."""
    parts = [part for part in name.split('/') if part not in {'', '.'}]
    return '' if any(part.startswith('.') for part in parts) else '/'.join(parts)


def _zip(path: Path) -> Iterator[tuple[str, Extent]]:
    kinds: dict[int, Literal['stored', 'deflated']] = {
        zipfile.ZIP_STORED: 'stored',
        zipfile.ZIP_DEFLATED: 'deflated',
    }
    with zipfile.ZipFile(path) as archive:
        for item in archive.infolist():
            name = _visible(item.filename)
            if item.is_dir() or not name:
                continue
            if item.compress_type not in kinds or item.flag_bits & 1:
                raise DatasetError(
                    f'expected files stored or deflated in {path}, {name} is encrypted or packed '
                    'in another way: pack it again'
                )
            kind = kinds[item.compress_type]
            yield name, Extent(item.header_offset, item.compress_size, kind, item.CRC)


def _tar(path: Path) -> Iterator[tuple[str, Extent]]:
    with tarfile.open(path, 'r:') as archive:
        for item in archive:
            name = _visible(item.name)
            if item.isreg() and name:
                yield name, Extent(item.offset_data, item.size)
            # Otherwise it keeps what it has read: gigabytes for millions of files.
            archive.members = []  # type: ignore[attr-defined]


def _hdf5(path: Path) -> Iterator[tuple[str, Extent]]:
    # Nothing else in the package needs h5py, and most datasets do not need it either.
    import h5py

    def walk(group: Any, place: str) -> Iterator[tuple[str, Extent]]:
        for name, item in group.items():
            if isinstance(item, h5py.Group):
                yield from walk(item, f'{place}{name}/')
            elif item.dtype.itemsize == 1:
                offset = item.id.get_offset()
                plain = offset is not None and item.id.get_storage_size() == item.size
                extent = Extent(offset, item.size) if plain else Extent(0, item.size, 'hdf5')
                yield f'{place}{name}', extent

    with h5py.File(path, 'r') as archive:
        yield from walk(archive, '')


def read_hdf5(path: Path, name: str) -> bytes:
    """
    Read a file that is compressed, in pieces or very small, through the library.

    :raises OSError: The archive cannot be read.
    """
    import h5py

    with h5py.File(path, 'r') as archive:
        content: bytes = archive[name][()].tobytes()
    return content
