# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A tiny SHIFT in its own layout, as a folder, zip, tar or HDF5."""

import io
from pathlib import Path
import tarfile
import zipfile

import cv2
import numpy as np
import pytest

h5py = pytest.importorskip('h5py', reason='one of the archives is HDF5')

SIZE = (20, 32)
SKY = 13


def png(pixels, suffix='.png'):
    """Encode an image whose last axis is in the order of OpenCV."""
    done, data = cv2.imencode(suffix, pixels)
    assert done
    return data.tobytes()


def content(sequence, number):
    """Return the labels and the 24-bit depth codes of a frame, and the bytes of its files."""
    rng = np.random.default_rng([sum(sequence.encode()), number])
    labels = rng.integers(0, 23, SIZE).astype(np.uint8)
    codes = rng.integers(1, 1 << 24, SIZE).astype(np.uint32)
    labels[0, :2], codes[0, :2] = SKY, (5, 7)
    labels[1, :3], codes[1, :3] = 7, (0, (1 << 24) - 1, 1 << 14)
    # Blue and green of the label image carry other things.
    semseg = np.stack([labels[::-1], labels // 2, labels], axis=-1)
    depth = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1).astype(np.uint8)
    eight = np.minimum(codes >> 8, 255).astype(np.uint8)
    files = {
        'img': png(np.repeat(labels[..., None] * 10, 3, axis=-1), '.jpg'),
        'semseg': png(semseg),
        'depth': png(depth),
        'depth_8bit': png(eight),
    }
    return labels, codes, eight, files


def group_files(group, view, frames):
    """Return the files of a group by name."""
    suffix = 'jpg' if group == 'img' else 'png'
    return {
        f'{sequence}/{number:08d}_{group}_{view}.{suffix}': content(sequence, number)[3][group]
        for sequence, number in frames
    }


def write_group(folder: Path, group: str, files: dict[str, bytes], backend: str) -> Path:
    """Write the files of a group."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (group if backend == 'folder' else f'{group}.{backend}')
    if backend == 'folder':
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    elif backend == 'zip':
        with zipfile.ZipFile(path, 'w') as archive:
            for number, (name, data) in enumerate(files.items()):
                kind = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
                archive.writestr(name, data, kind)
    elif backend == 'tar':
        with tarfile.open(path, 'w') as archive:
            for name, data in files.items():
                item = tarfile.TarInfo(f'./{name}')
                item.size = len(data)
                archive.addfile(item, io.BytesIO(data))
    else:
        with h5py.File(path, 'w') as archive:
            for number, (name, data) in enumerate(files.items()):
                packed = {'compression': 'gzip'} if number % 2 else {}
                archive.create_dataset(name, data=np.frombuffer(data, np.uint8), **packed)
    return path


def write_tree(
    root: Path,
    *,
    place: str = 'discrete/images/train/front',
    frames=(('0003-17fb', 0), ('0003-17fb', 10), ('016b-93a1', 0)),
    depth_frames=None,
    groups=('img', 'semseg', 'depth'),
    backend: str = 'folder',
) -> Path:
    """
    Write one view of one split.

    :param depth_frames: Those with depth, all when None.
    """
    folder = root / place
    for group in groups:
        has_depth = group.startswith('depth') and depth_frames is not None
        files = group_files(group, folder.name, depth_frames if has_depth else frames)
        write_group(folder, group, files, backend)
    return root
