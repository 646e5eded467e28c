# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the report shows of a shard: pixels by class, and one picture."""

from __future__ import annotations

import cv2
import numpy as np
from segformer_ros import draw
from segformer_ros.bundle import Manifest
from segformer_ros.files.process import Artist
from segformer_ros.image_encoding import as_rgb, CameraImage, encode_jpeg
from segformer_ros.inference.pipeline import Options, Prediction, Predictor
from segformer_ros.inference.temporal import TemporalMemory

# A line camera makes images of any height.
_WIDTH, _HEIGHT = 480, 960
_JPEG_QUALITY = 80


class Watched:
    """A pipeline that counts the classes of what it says, and keeps a picture of one frame."""

    def __init__(self, pipeline: Predictor) -> None:
        self._pipeline = pipeline
        self._counts = np.zeros(256, np.int64)
        self._shown: tuple[CameraImage, Prediction] | None = None

    @property
    def manifest(self) -> Manifest:
        """Return the facts of the network."""
        return self._pipeline.manifest

    def predict(
        self,
        image: CameraImage,
        *,
        focal_length_px: float | None = None,
        options: Options | None = None,
        memory: TemporalMemory | None = None,
    ) -> Prediction:
        """Label one image and measure its depths, as Pipeline does."""
        found = self._pipeline.predict(
            image, focal_length_px=focal_length_px, options=options, memory=memory
        )
        if found.labels is not None:
            counted = cv2.calcHist([found.labels], [0], None, [256], [0, 256])
            self._counts += counted.ravel().astype(np.int64)
        if self._shown is None:
            self._shown = image, found
        return found

    def pixels(self) -> dict[str, int]:
        """Return the number of pixels of each class that there was, by name."""
        names = {item.id: item.name for item in self.manifest.classes}
        return {
            names.get(int(index), str(index)): int(self._counts[index])
            for index in np.flatnonzero(self._counts)
        }

    def picture(self) -> bytes | None:
        """Return the first frame with its results as a small JPEG; None where there was none."""
        if self._shown is None:
            return None
        image, found = self._shown
        drawn = Artist(self._pipeline).draw(
            as_rgb(image), found.labels, found.depth, found.relative
        )
        return encode_jpeg(draw.fitted(drawn, _WIDTH, _HEIGHT), _JPEG_QUALITY)
