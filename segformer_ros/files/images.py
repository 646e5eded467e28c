# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image files: found in a folder and read as RGB."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
import re

import numpy as np
import numpy.typing as npt
from segformer_ros import run_folder
from segformer_ros.file_tree import files_below
from segformer_ros.image_encoding import decode_file, EncodingError, file_kind
from segformer_ros.image_encoding import encode_png as encode_png

SUFFIXES: tuple[str, ...] = (
    '.avif', '.bmp', '.jfif', '.jpe', '.jpeg', '.jpg', '.jp2', '.pgm', '.png', '.pnm', '.ppm',
    '.tif', '.tiff', '.webp',
)  # fmt: skip
NOT_READ: tuple[str, ...] = (
    '.arw', '.cr2', '.cr3', '.dng', '.exr', '.gif', '.hdr', '.heic', '.heif', '.hif', '.jxl',
    '.nef', '.orf', '.psd', '.raf', '.rw2', '.svg', '.tga',
)  # fmt: skip
"""Suffixes of images that are found, so that they are counted, and refused when they are read."""


@dataclass(frozen=True)
class ImageFile:
    """
    One image on disk.

    :param name: Path below the folder that was asked for, without the suffix where that is
        unique; the results are named after it.
    """

    name: str
    path: Path


def looks_like_image(name: str | Path) -> bool:
    """Return whether the suffix is that of an image, readable or not."""
    return Path(name).suffix.lower() in {*SUFFIXES, *NOT_READ}


def is_image(path: Path) -> bool:
    """
    Return whether suffix or first bytes are those of an image; a GIF is taken for a video.

    :raises OSError: The file cannot be read.
    """
    if looks_like_image(path):
        return path.suffix.lower() != '.gif'
    with path.open('rb') as file:
        return file_kind(file.read(64)) not in {'', 'gif'}


def find(path: Path) -> tuple[ImageFile, ...]:
    """
    List an image, or the images in a folder and its sub-folders, as files_below finds them.

    :returns: In the order a person would count: frame2 before frame10.
    :raises ValueError: There is no image, or the folder holds the results of a run.
    """
    root = path if path.is_dir() else path.parent
    found = [path]
    if run_folder.is_output(path):
        raise ValueError(
            f'expected images of a camera in {path}, found results of segformer: give what they '
            'were made of'
        )
    if path.is_dir():
        found = [path / name for name in files_below(path) if looks_like_image(name)]
    if not found:
        raise ValueError(f'expected images in {path}, found none of {", ".join(SUFFIXES)}')
    names = Counter(item.relative_to(root).with_suffix('') for item in found)
    files = []
    for item in found:
        name = item.relative_to(root)
        short = name.with_suffix('')
        files.append(ImageFile((short if names[short] == 1 else name).as_posix(), item))
    return tuple(sorted(files, key=lambda file: _counting(file.name)))


def _counting(name: str) -> list[tuple[int, str]]:
    return [
        (int(part) if part.isdecimal() else -1, part) for part in re.split(r'(\d+)', name) if part
    ]


def read(path: Path) -> npt.NDArray[np.uint8]:
    """
    Read an image, turned upright as its EXIF data say.

    :returns: (H, W, 3) RGB; 16-bit images are scaled to 8 bit, transparency is left out.
    :raises ValueError: The file is no image, of a kind that is not read, or damaged.
    :raises OSError: The file cannot be read.
    """
    if path.suffix.lower() in NOT_READ:
        raise ValueError(
            f'{path}: expected one of {", ".join(SUFFIXES)}: convert it to PNG or JPEG'
        )
    try:
        return decode_file(path.read_bytes(), upright=True)
    except EncodingError as error:
        raise ValueError(f'{path}: {error}') from error
