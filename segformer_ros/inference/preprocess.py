# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a camera image to the input of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.image_encoding import CameraImage, RawImage

Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Geometry:
    """
    How a camera image lies in the input of the network, all in pixels.

    The image is resized to resized_h x resized_w and lies in the upper left corner; right of it
    and below is padding of the mean colour. Its aspect ratio is kept, unless it is stretched over
    the whole input.
    """

    image_h: int
    image_w: int
    input_h: int
    input_w: int
    resized_h: int
    resized_w: int

    @property
    def scale(self) -> float:
        """Return input pixels per image pixel."""
        return self.resized_w / self.image_w


def fit(
    image_hw: tuple[int, int], input_sizes: Sequence[tuple[int, int]], *, stretch: bool = False
) -> Geometry:
    """
    Choose the input size for an image, the one of the nearest aspect ratio, and fit it in.

    :param image_hw: Height and width of the image.
    :param input_sizes: Heights and widths to choose from; the first of equally good ones is taken.
    :param stretch: Fill the whole input, whatever the aspect ratio.
    :raises ValueError: The image is empty or there is no size to choose from.
    """
    image_h, image_w = image_hw
    if image_h < 1 or image_w < 1 or not input_sizes:
        raise ValueError(f'expected an image and input sizes, got {image_hw} and {input_sizes}')
    aspect = math.log(image_w / image_h)
    # Rounded, so that sizes of one aspect ratio are equally good.
    distances = [round(abs(math.log(w / h) - aspect), 9) for h, w in input_sizes]
    input_h, input_w = input_sizes[distances.index(min(distances))]
    if stretch:
        return Geometry(image_h, image_w, input_h, input_w, input_h, input_w)
    factor = min(input_h / image_h, input_w / image_w)
    resized_h = max(1, min(input_h, round(image_h * factor)))
    resized_w = max(1, min(input_w, round(image_w * factor)))
    return Geometry(image_h, image_w, input_h, input_w, resized_h, resized_w)


def lookup_table(mean: Sequence[float], std: Sequence[float]) -> FloatArray:
    """
    Tabulate the normalisation (pixel / 255 - mean) / std.

    :returns: (3, 256) normalised values by channel and pixel value.
    """
    levels = np.arange(256, dtype=np.float64) / 255.0
    offset, scale = np.array(mean, np.float64), np.array(std, np.float64)
    return ((levels - offset[:, None]) / scale[:, None]).astype(np.float32)


def resize_weights(image: int, resized: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """
    Tabulate along one axis what cv2.resize computes for bytes, bit for bit.

    :param image: Pixels of the image.
    :param resized: Pixels of the resized one.
    :returns: Of each resized pixel the two pixels that it lies between, and their weights in
        1/2048; int32.
    """
    place = ((np.arange(resized) + 0.5) * (image / resized) - 0.5).astype(np.float32)
    first = np.floor(place).astype(np.int32)
    part = place - first.astype(np.float32)
    weights = (np.rint(side * np.float32(2048)).astype(np.int32) for side in (1 - part, part))
    inside = [np.clip(first + offset, 0, image - 1).astype(np.int32) for offset in (0, 1)]
    return inside[0], inside[1], *weights


def check_image(image: CameraImage) -> CameraImage:
    """
    Accept an image of the interface.

    :param image: (H, W, 3), (H, W, 1) or (H, W) uint8, or as it came.
    :returns: (H, W, 3) or (H, W), a view; one as it came is given back.
    :raises ValueError: The array is another one.
    """
    if isinstance(image, RawImage):
        return image
    shape = getattr(image, 'shape', None)
    good = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim in {2, 3}
    if not good or (image.ndim == 3 and image.shape[2] not in {1, 3}) or image.size == 0:
        kind = getattr(image, 'dtype', type(image).__name__)
        raise ValueError(f'expected a (H, W, 3) or (H, W, 1) uint8 image, got {shape} {kind}')
    return image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image


def prepare(image: Image, geometry: Geometry, table: FloatArray, planes: FloatArray) -> None:
    """
    Resize, pad and normalise an image.

    :param image: (image_h, image_w, 3) RGB, or (image_h, image_w) for three equal channels.
    :param table: What lookup_table gives.
    :param planes: (3, input_h, input_w), overwritten.
    """
    height, width = geometry.resized_h, geometry.resized_w
    resized = _resize(image, height, width)
    channels: Sequence[cv2.typing.MatLike]
    channels = [resized] * 3 if resized.ndim == 2 else cv2.split(resized)
    for channel, row, plane in zip(channels, table, planes, strict=True):
        cv2.LUT(channel, row, plane[:height, :width])
        plane[height:] = 0.0
        plane[:height, width:] = 0.0


def prepare_bytes(image: Image, geometry: Geometry, pad_rgb: Sequence[int], out: Image) -> None:
    """
    Resize and pad an image for a network that normalises by itself.

    :param image: (image_h, image_w, 3) RGB, or (image_h, image_w) for three equal channels.
    :param pad_rgb: Three values of 0 to 255, the colour right of the image and below it.
    :param out: (input_h, input_w, 3) RGB, overwritten.
    """
    height, width = geometry.resized_h, geometry.resized_w
    resized = _resize(image, height, width)
    out[:height, :width] = resized[..., None] if resized.ndim == 2 else resized
    color = np.array(pad_rgb, np.uint8)
    out[height:] = color
    out[:height, width:] = color


def _resize(image: Image, height: int, width: int) -> Image:
    if image.shape[:2] == (height, width):
        return image
    # Linear, never area: the network is trained on images resized this way.
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)
