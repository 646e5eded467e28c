# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One case of the comparison: a network of one size on inputs of one size, and its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import golden_image

Image = npt.NDArray[np.uint8]

CLASSES = 19
MAX_DEPTH_M = 10
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
LOGITS_STRIDE = 4


@dataclass(frozen=True)
class Case:
    """
    What all candidates of one table run.

    :param model: Size of the network, 'b0' to 'b5'.
    :param height: Of the network's input in pixels; width likewise.
    :param folder: Where the networks of this case are.
    """

    model: str
    height: int
    width: int
    folder: Path
    camera_h: int = 800
    camera_w: int = 1280

    @property
    def name(self) -> str:
        """Name the case, as in 'b0 512x1024'."""
        return f'{self.model} {self.height}x{self.width}'

    @property
    def weights(self) -> Path:
        """Return the file of weights in the names of Hugging Face's modules."""
        return self.folder / 'weights.safetensors'

    @property
    def plain_graph(self) -> Path:
        """Return the plain export."""
        return self.folder / 'plain.onnx'

    @property
    def labels_graph(self) -> Path:
        """Return the plain export with Resize and ArgMax behind it."""
        return self.folder / 'labels.onnx'

    @property
    def bundle(self) -> Path:
        """Return the folder of our bundle."""
        return self.folder / f'baseline_{self.model}'

    @property
    def reference(self) -> Path:
        """Return the file of the float64 results."""
        return self.folder / 'reference.npz'

    def camera_image(self) -> Image:
        """Make the (camera_h, camera_w, 3) bgr8 image that everybody gets."""
        return golden_image(5, self.camera_h, self.camera_w)

    def network_image(self) -> Image:
        """Return the camera image as (height, width, 3) RGB, stretched to the network's input."""
        image = cv2.cvtColor(self.camera_image(), cv2.COLOR_BGR2RGB)
        return np.asarray(cv2.resize(image, (self.width, self.height)), np.uint8)


def normalised(image: Image) -> npt.NDArray[np.float32]:
    """Turn (H, W, 3) RGB into (1, 3, H, W) as the network takes it."""
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)
    pixels = (image.astype(np.float32) / np.float32(255.0) - mean) / std
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
