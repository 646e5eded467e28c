# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One picture of what one pixel attends to, in every stage and every head of an encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros import draw
from segformer_ros.inference.preprocess import fit, Geometry, lookup_table, prepare
from segformer_ros.network.attention_maps import attention_maps
from segformer_ros.network.mix_transformer import MixTransformer, TOTAL_STRIDE
import torch

Image = npt.NDArray[np.uint8]
Shares = npt.NDArray[np.float32]

LARGEST_SIDE_PX = 1024
"""Longer images are made smaller, when no size is asked for."""
COLUMNS = 5
_PANEL_WIDTH_PX, _PANEL_HEIGHT_PX = 384, 768
_BAR_PX = 24
_DARK, _LIGHT = (24, 24, 24), (235, 235, 235)
_STAGE_COLORS = ((120, 200, 255), (140, 230, 140), (255, 205, 90), (255, 140, 150))


def own_size(image_hw: tuple[int, int]) -> Geometry:
    """Lay an image into an input of its own size, at most LARGEST_SIDE_PX, padded to 32."""
    factor = min(1.0, LARGEST_SIDE_PX / max(image_hw))
    height, width = (max(1, round(side * factor)) for side in image_hw)
    padded = (height + -height % TOTAL_STRIDE, width + -width % TOTAL_STRIDE)
    return Geometry(*image_hw, *padded, height, width)


class AttentionPainter:
    """
    Draws the attention of an encoder.

    :param encoder: In evaluation mode.
    :param mean: Of the three channels on the 0 to 1 scale; std likewise.
    :param size: (height, width) of the input, multiples of 32; None takes the image's own.
    :param name: Of the network, for the title.
    """

    def __init__(
        self,
        encoder: MixTransformer,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        size: tuple[int, int] | None = None,
        name: str = '',
    ) -> None:
        if size is not None and (size[0] % TOTAL_STRIDE or size[1] % TOTAL_STRIDE):
            raise ValueError(f'the input size must be multiples of 32, not {size[0]}x{size[1]}')
        self._encoder = encoder
        self._table = lookup_table(mean, std)
        self._size = size
        self._name = name

    def draw(self, image: Image, query: tuple[int, int] | None = None) -> Image:
        """
        Draw every head of the last block of each stage, and the mean of each stage.

        :param image: (H, W, 3) RGB.
        :param query: Column and row of the pixel in the image; None is its middle.
        :returns: (H', W', 3) RGB, a grid of labelled panels.
        :raises ValueError: The pixel lies outside the image.
        """
        height, width = image.shape[:2]
        x, y = query or (width // 2, height // 2)
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f'the pixel {x},{y} lies outside the image of {width}x{height}')
        geometry = own_size((height, width))
        if self._size is not None:
            geometry = fit((height, width), [self._size])
        stages = self._maps(image, geometry, x, y)
        base = _base(image)
        mark = (round(x * base.shape[1] / width), round(y * base.shape[0] / height))
        panels = [_with_bar(_with_mark(base, mark), f'pixel {x},{y}', _LIGHT)]
        gray = cv2.cvtColor(cv2.cvtColor(base, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        for number, (heads, color) in enumerate(zip(stages, _STAGE_COLORS, strict=True), 1):
            for title, shares in _titled(heads):
                heat = _heat(np.asarray(gray, np.uint8), shares, geometry)
                text = f'stage {number}  {title}  max {shares.max():.1%}'
                panels.append(_with_bar(_with_mark(heat, mark), text, color))
        return self._with_title(draw.contact_sheet(panels, COLUMNS))

    def _maps(self, image: Image, geometry: Geometry, x: int, y: int) -> list[Shares]:
        planes = np.empty((3, geometry.input_h, geometry.input_w), np.float32)
        prepare(image, geometry, self._table, planes)
        # The middle of the pixel, in the pixels of the input.
        column = (x + 0.5) * geometry.resized_w / geometry.image_w
        row = (y + 0.5) * geometry.resized_h / geometry.image_h
        maps = attention_maps(self._encoder, torch.from_numpy(planes)[None], column, row)
        return [shares.numpy() for shares in maps]

    def _with_title(self, sheet: Image) -> Image:
        bar = np.full((_BAR_PX + 10, sheet.shape[1], 3), _DARK, np.uint8)
        text = (
            f'{self._name}: attention of the marked pixel in the last block of each stage; '
            'dark is nothing, bright the most of its panel'
        )
        _write(bar, text, _LIGHT, scale=0.6)
        return np.asarray(cv2.vconcat([bar, sheet]), np.uint8)


def _titled(heads: Shares) -> Iterator[tuple[str, Shares]]:
    """Yield each head with its title, and the mean behind them where there are several."""
    for index, shares in enumerate(heads, 1):
        yield f'head {index} of {len(heads)}', shares
    if len(heads) > 1:
        yield 'mean', heads.mean(axis=0)


def _base(image: Image) -> Image:
    """Resize an image to the width of a panel, or to its height where the image is tall."""
    height, width = image.shape[:2]
    factor = min(_PANEL_WIDTH_PX / width, _PANEL_HEIGHT_PX / height)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    interpolation = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def _heat(gray: Image, shares: Shares, geometry: Geometry) -> Image:
    """
    Lay shares over a picture; the less a place is attended to, the more of the picture is seen.

    :param gray: (H, W, 3), the picture of the image without its padding.
    :param shares: (h, w) of the whole input.
    """
    height, width = gray.shape[:2]
    # Shares per pixel of the picture. Only what is shown is computed: the padding of an image of
    # one pixel is a thousand times as large.
    across = shares.shape[1] * geometry.resized_w / (geometry.input_w * width)
    down = shares.shape[0] * geometry.resized_h / (geometry.input_h * height)
    places = np.array([[across, 0.0, (across - 1.0) / 2.0], [0.0, down, (down - 1.0) / 2.0]])
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    shown = cv2.warpAffine(
        shares, places, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    level = np.clip(shown / shares.max(), 0.0, 1.0)
    painted = cv2.applyColorMap(np.rint(level * 255.0).astype(np.uint8), cv2.COLORMAP_INFERNO)
    colors = cv2.cvtColor(painted, cv2.COLOR_BGR2RGB)
    opacity = (0.35 + 0.55 * level)[..., None]
    return np.asarray(np.rint(gray * (1.0 - opacity) + colors * opacity), np.uint8)


def _with_mark(picture: Image, at: tuple[int, int]) -> Image:
    """Draw a cross in a ring around a pixel, on a copy."""
    result = picture.copy()
    for color, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.circle(result, at, 7, color, thickness, cv2.LINE_AA)
        cv2.drawMarker(result, at, color, cv2.MARKER_CROSS, 6, thickness, cv2.LINE_AA)
    return result


def _with_bar(picture: Image, text: str, color: tuple[int, int, int]) -> Image:
    """Put a line of text above a picture, which lies in the middle of its panel."""
    height, width = picture.shape[:2]
    panel = np.full((_BAR_PX + height, _PANEL_WIDTH_PX, 3), _DARK, np.uint8)
    _write(panel[:_BAR_PX], text, color, scale=0.5)
    left = (_PANEL_WIDTH_PX - width) // 2
    panel[_BAR_PX:, left : left + width] = picture
    return panel


def _write(bar: Image, text: str, color: tuple[int, int, int], *, scale: float) -> None:
    origin = (6, bar.shape[0] // 2 + round(10 * scale))
    cv2.putText(bar, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, color, 1, cv2.LINE_AA)
