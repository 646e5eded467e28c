# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The results of a frame as files: label PNG, depth, confidence PNG, overlay PNG."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from segformer_ros import frame_rules, run_folder
from segformer_ros.bundle import RELATIVE
from segformer_ros.files.images import encode_png
from segformer_ros.image_encoding import decode_stored, EncodingError

DEPTH_FORMATS: tuple[str, ...] = ('npy', 'png16')

Labels = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Results:
    """
    The files that the frames of a run become, each in the folder of its kind.

    :param folder: Output folder of the run.
    :param kinds: Which of 'label', 'depth', 'relative_depth', 'confidence', 'depth_confidence' and
        'overlay' every frame has.
    :param depth_format: 'npy' (float32 metres, NaN where unknown) or 'png16' (16-bit
        millimetres, 0 where unknown). Relative depth is always float32 in a 'npy'.
    """

    folder: Path
    kinds: tuple[str, ...]
    depth_format: str = 'npy'

    def __post_init__(self) -> None:
        if self.depth_format not in DEPTH_FORMATS:
            raise ValueError(
                f'depth format must be one of {", ".join(DEPTH_FORMATS)}, '
                f'not {self.depth_format!r}'
            )

    def path(self, kind: str, name: str) -> Path:
        """Return the file of a frame."""
        numbers = kind == RELATIVE or (kind == 'depth' and self.depth_format == 'npy')
        suffix = '.npy' if numbers else '.png'
        return self.folder / kind / f'{name}{suffix}'

    def finished(self, name: str, source: Path | None = None) -> bool:
        """
        Return whether every file of a frame is there; files are there only when whole.

        :param source: What the frame is read from: the files must not be older than its content
            or, as after a copy that keeps times, than its place on the disk.
        """
        files = [self.path(kind, name) for kind in self.kinds]
        if not files or not all(file.is_file() for file in files):
            return False
        if source is None:
            return True
        try:
            facts = source.stat()
        except OSError:
            return False
        changed = max(facts.st_mtime_ns, facts.st_ctime_ns)
        return all(file.stat().st_mtime_ns >= changed for file in files)

    def write(
        self,
        name: str,
        *,
        label: Labels | None = None,
        depth: Depth | None = None,
        confidence: Labels | None = None,
        depth_confidence: Labels | None = None,
        overlay: Labels | None = None,
        relative: Depth | None = None,
    ) -> None:
        """
        Write those results of a frame that are wanted and given.

        :param label: (H, W) class ids.
        :param depth: (H, W) metres, NaN where unknown.
        :param confidence: (H, W), 255 is certain; depth_confidence likewise.
        :param overlay: (H, W, 3) RGB.
        :param relative: (H, W) depth or inverse depth of unknown scale.
        """
        pictures = {
            'label': label,
            'confidence': confidence,
            'depth_confidence': depth_confidence,
            'overlay': overlay,
        }
        for kind, picture in pictures.items():
            if kind in self.kinds and picture is not None:
                run_folder.write_bytes(self.path(kind, name), encode_png(picture))
        if 'depth' in self.kinds and depth is not None:
            run_folder.write_bytes(self.path('depth', name), self._encode_depth(depth))
        if RELATIVE in self.kinds and relative is not None:
            run_folder.write_bytes(self.path(RELATIVE, name), _as_npy(relative))

    def read(self, name: str) -> tuple[Labels | None, Depth | None, Depth | None]:
        """Read labels, depth and relative depth of a finished frame, None where there are none."""
        label = self._read_png('label', name) if 'label' in self.kinds else None
        relative = self._read_npy(RELATIVE, name) if RELATIVE in self.kinds else None
        if 'depth' not in self.kinds:
            return label, None, relative
        if self.depth_format == 'npy':
            return label, self._read_npy('depth', name), relative
        return label, _metres(self._read_png('depth', name)), relative

    def read_depth_confidence(self, name: str) -> Labels | None:
        """Read the (H, W) probability times 255 of a finished frame, None where there is none."""
        kind = 'depth_confidence'
        return self._read_png(kind, name) if kind in self.kinds else None

    def as_stored(self, depth: Depth | None) -> Depth | None:
        """Return depth as it would be read back."""
        if depth is None or self.depth_format == 'npy':
            return depth
        return _metres(frame_rules.depth_to_millimetres(depth))

    def _encode_depth(self, depth: Depth) -> bytes | memoryview:
        if self.depth_format == 'png16':
            return encode_png(frame_rules.depth_to_millimetres(depth))
        return _as_npy(depth)

    def _read_npy(self, kind: str, name: str) -> Depth:
        found: Depth = np.load(self.path(kind, name), allow_pickle=False)
        return found

    def _read_png(self, kind: str, name: str) -> npt.NDArray[np.uint8]:
        path = self.path(kind, name)
        try:
            return decode_stored(path.read_bytes())
        except EncodingError as error:
            raise ValueError(f'{path}: {error}: delete it') from error


def _as_npy(depth: Depth) -> memoryview:
    data = BytesIO()
    np.save(data, depth, allow_pickle=False)
    return data.getbuffer()


def _metres(millimetres: npt.NDArray[np.generic]) -> Depth:
    metres = millimetres.astype(np.float32) / np.float32(1000.0)
    metres[metres == 0.0] = np.nan
    return metres
