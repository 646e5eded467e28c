# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From an image to labels and depth at its size: whole or in windows, once or several times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import math
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.evaluation.network import FloatArray, Image, MULTIPLE, Network, Outputs
from segformer_ros.evaluation.paired_network import PairedNetwork
from segformer_ros.inference.depth_confidence import decode_depth_confidence
from segformer_ros.inference.postprocess import decode_depth, decode_labels
from segformer_ros.inference.preprocess import fit, Geometry

RESIZES = ('fit', 'scale', 'aligned', 'multiple', 'exact')
AVERAGES = ('logits', 'probabilities')
_NEEDS = {'scale': 'scale', 'aligned': 'scale', 'exact': 'size'}
_IGNORES = {
    'fit': 'scale', 'exact': 'scale', 'scale': 'size', 'aligned': 'size', 'multiple': 'size',
}  # fmt: skip
# Everything that was predicted counts, also what a user would not be shown.
_LIMITS_M = (0.01, 1e4)


@dataclass(frozen=True)
class Inference:
    """
    How an image goes through a network.

    :param resize: What is done to the image first. 'fit': as the node does it, the aspect ratio
        kept, to the input size of the nearest one; where the network takes any size, or windows
        slide, to `size`, or not at all. 'scale': the aspect ratio kept, as large as `scale`
        allows. 'aligned': the same, both sides rounded up to multiples of 32. 'multiple': as
        'scale' where one is given, then resized once more, both sides rounded up. 'exact': to
        `size`, stretched.
    :param scale: Longest and shortest side, pixels, whichever way the image lies.
    :param size: (height, width).
    :param window: (height, width) of windows that slide over the resized image; None: it goes
        through whole.
    :param stride: (down, across) from window to window, at most the window.
    :param ratios: The resized image goes through once for each, that much larger; the logits are
        averaged at the size of the image, and the depths, each corrected for its focal length.
    :param flip: Also mirrored, for each ratio.
    :param average: What is averaged of labels: one of AVERAGES.
    :raises ValueError: The values contradict each other.
    """

    resize: str = 'fit'
    scale: tuple[int, int] | None = None
    size: tuple[int, int] | None = None
    window: tuple[int, int] | None = None
    stride: tuple[int, int] | None = None
    ratios: tuple[float, ...] = (1.0,)
    flip: bool = False
    average: str = 'logits'

    def __post_init__(self) -> None:
        for name, known in (('resize', RESIZES), ('average', AVERAGES)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f'{name} must be one of {", ".join(known)}, not {getattr(self, name)!r}'
                )
        needed = _NEEDS.get(self.resize)
        if needed and getattr(self, needed) is None:
            raise ValueError(f"resize '{self.resize}' needs a {needed}")
        ignored = _IGNORES[self.resize]
        if getattr(self, ignored) is not None:
            raise ValueError(f"resize '{self.resize}' takes no {ignored}: leave it out")
        if not self.ratios or min(self.ratios) <= 0.0:
            raise ValueError(f'expected ratios above zero, got {self.ratios}')
        if self.stride is not None and self.window is None:
            raise ValueError('a stride is of windows: give a window too')
        if self.window is not None:
            down, across = self.stride or self.window
            if not (0 < down <= self.window[0] and 0 < across <= self.window[1]):
                raise ValueError(
                    f'expected a stride from 1x1 to the window {self.window}, got {down}x{across}'
                )

    @property
    def is_single(self) -> bool:
        """Whether the image goes through once and whole."""
        return self.window is None and self.ratios == (1.0,) and not self.flip


class Predicted(NamedTuple):
    """
    What a network says of an image, at the size of the image.

    labels are (H, W) class ids of the network, depth is (H, W) metres, NaN outside of 1 cm to
    10 km; None where the network has no such head. depth_confidence is (H, W), 255 times what
    the network states of the probability that depth is right; None where it does not, or where
    several passes are averaged.
    """

    labels: Image | None
    depth: npt.NDArray[np.float32] | None
    depth_confidence: Image | None = None


def predict(
    network: Network, image: Image, focal_length_px: float | None, how: Inference
) -> Predicted:
    """
    Label one image and measure its depths; with Inference() exactly as the pipeline does it.

    :param image: (H, W, 3) RGB.
    :param focal_length_px: Of the camera, in pixels of this image; None: unknown.
    :raises ValueError: The network has no input that is large enough.
    """
    if isinstance(network, PairedNetwork):
        labels = predict(network.labels, image, focal_length_px, how).labels
        measured = predict(network.depth, image, focal_length_px, how)
        return measured._replace(labels=labels)
    if how.is_single:
        return _predict_once(network, image, focal_length_px, how)
    height, width = image.shape[:2]
    scores: FloatArray | None = None
    depths: list[FloatArray] = []
    for ratio in how.ratios:
        resized = _resized(network, image, how, ratio)
        for mirrored in (False, True) if how.flip else (False,):
            view = np.ascontiguousarray(resized[:, ::-1]) if mirrored else resized
            logits, depth = _view(network, view, how)
            if logits is not None:
                logits = _to_size(logits[..., ::-1] if mirrored else logits, height, width)
                logits = _softmax(logits) if how.average == 'probabilities' else logits
                scores = logits if scores is None else np.add(scores, logits, out=scores)
            if depth is not None:
                factor = _focal_factor(network, focal_length_px, resized.shape[1] / width)
                depth = _to_size(depth[..., ::-1] if mirrored else depth, height, width)
                depths.append(depth[0] * np.float32(factor))
    labels = None
    if scores is not None:
        labels = np.array(network.facts.channel_ids, np.uint8)[scores.argmax(axis=0)]
    return Predicted(labels, _known(np.mean(depths, axis=0)) if depths else None)


def _predict_once(
    network: Network, image: Image, focal_length_px: float | None, how: Inference
) -> Predicted:
    """Undo resize, padding and stride in one step, with the code of the run time."""
    height, width = image.shape[:2]
    resized = _resized(network, image, how, 1.0)
    input_hw = _input_hw(network, image, resized, how)
    outputs = network.infer(resized, input_hw)
    geometry = Geometry(height, width, *input_hw, resized.shape[0], resized.shape[1])
    labels, depth, confidence = None, None, None
    if outputs.logits is not None:
        stride = input_hw[1] // outputs.logits.shape[2]
        ids = network.facts.channel_ids
        labels, _ = decode_labels(outputs.logits, geometry, stride=stride, class_ids=ids)
    if outputs.depth is not None:
        depth = decode_depth(
            outputs.depth,
            geometry,
            stride=input_hw[1] // outputs.depth.shape[1],
            activation=network.facts.depth or 'metric',
            factor=_focal_factor(network, focal_length_px, geometry.scale),
            limits_m=_LIMITS_M,
        )
    if outputs.depth_scale is not None and depth is not None:
        stride = input_hw[1] // outputs.depth_scale.shape[1]
        confidence = decode_depth_confidence(
            outputs.depth_scale, geometry, stride=stride, depth=depth
        )
    return Predicted(labels, depth, confidence)


def _input_hw(network: Network, image: Image, resized: Image, how: Inference) -> tuple[int, int]:
    sizes = _fitting(network, how) if how.resize == 'fit' else []
    if sizes:
        chosen = fit((image.shape[0], image.shape[1]), sizes)
        return chosen.input_h, chosen.input_w
    return network.facts.input_hw(resized.shape[0], resized.shape[1])


def _fitting(network: Network, how: Inference) -> list[tuple[int, int]]:
    """Return the input sizes that 'fit' chooses from; none where the image is not resized."""
    if how.size is None:
        return list(network.facts.input_sizes or ()) if how.window is None else []
    if how.window is not None:
        return [how.size]
    return [network.facts.input_hw(*how.size)]


def _resized(network: Network, image: Image, how: Inference, ratio: float) -> Image:
    """Resize an image as asked for, and by a ratio."""
    height, width = image.shape[:2]
    if how.resize == 'exact' and how.size is not None:
        target = how.size
    elif how.resize == 'fit':
        sizes = _fitting(network, how)
        stretch = network.facts.stretch
        chosen = fit((height, width), sizes, stretch=stretch) if sizes else None
        target = (chosen.resized_h, chosen.resized_w) if chosen else (height, width)
    else:
        target = _scaled((height, width), how.scale)
    target = (max(1, round(target[0] * ratio)), max(1, round(target[1] * ratio)))
    if how.resize == 'multiple':
        image = _resize(image, *target)
    if how.resize in {'aligned', 'multiple'}:
        target = (target[0] + -target[0] % MULTIPLE, target[1] + -target[1] % MULTIPLE)
    return _resize(image, *target)


def _scaled(image_hw: tuple[int, int], scale: tuple[int, int] | None) -> tuple[int, int]:
    if scale is None:
        return image_hw
    factor = min(max(scale) / max(image_hw), min(scale) / min(image_hw))
    return round(image_hw[0] * factor), round(image_hw[1] * factor)


def _resize(image: Image, height: int, width: int) -> Image:
    if image.shape[:2] == (height, width):
        return image
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def _view(
    network: Network, view: Image, how: Inference
) -> tuple[FloatArray | None, FloatArray | None]:
    """Return (C, H, W) logits and (1, H, W) metres of a camera as the network's, at full size."""
    height, width = view.shape[:2]
    sums: dict[str, FloatArray] = {}
    count: FloatArray = np.zeros((height, width), np.float32)
    for top, left in _windows((height, width), how):
        window_h, window_w = how.window or (height, width)
        part = view[top : top + window_h, left : left + window_w]
        rows, columns = slice(top, top + part.shape[0]), slice(left, left + part.shape[1])
        # A window that the image is smaller than is padded, as it is at its full size.
        input_hw = network.facts.input_hw(window_h, window_w)
        for name, cells in _planes(network.infer(part, input_hw), network).items():
            whole = _to_size(cells, *input_hw)[:, : part.shape[0], : part.shape[1]]
            if name not in sums:
                sums[name] = np.zeros((len(whole), height, width), np.float32)
            sums[name][:, rows, columns] += whole
        count[rows, columns] += 1.0
    for value in sums.values():
        value /= count
    return sums.get('logits'), sums.get('depth')


def _planes(outputs: Outputs, network: Network) -> dict[str, FloatArray]:
    planes = {}
    if outputs.logits is not None:
        planes['logits'] = outputs.logits
    if outputs.depth is not None:
        with np.errstate(over='ignore'):
            metres = np.exp(outputs.depth) if network.facts.depth == 'log' else outputs.depth
        planes['depth'] = metres[None]
    return planes


def _windows(size: tuple[int, int], how: Inference) -> Iterator[tuple[int, int]]:
    """Yield the upper left corners; the last ones are moved back to end with the image."""
    if how.window is None:
        yield 0, 0
        return
    axes = []
    for length, window, step in zip(size, how.window, how.stride or how.window, strict=True):
        last = max(0, length - window)
        axes.append([min(index * step, last) for index in range(-(-last // step) + 1)])
    for top in axes[0]:
        for left in axes[1]:
            yield top, left


def _to_size(planes: FloatArray, height: int, width: int) -> FloatArray:
    """Resize (C, h, w) bilinearly, cell centres where they belong."""
    result: FloatArray = np.empty((len(planes), height, width), np.float32)
    for plane, target in zip(planes, result, strict=True):
        plane = np.ascontiguousarray(plane)
        cv2.resize(plane, (width, height), dst=target, interpolation=cv2.INTER_LINEAR)
    return result


def _softmax(logits: FloatArray) -> FloatArray:
    power: FloatArray = np.exp(logits - logits.max(axis=0))
    power /= power.sum(axis=0)
    return power


def _focal_factor(network: Network, focal_length_px: float | None, scale: float) -> float:
    own = network.facts.focal_length_px
    return focal_length_px * scale / own if focal_length_px and own else 1.0


def _known(depth: FloatArray) -> FloatArray:
    good = (depth >= _LIMITS_M[0]) & (depth <= _LIMITS_M[1])
    return np.where(good, depth, np.float32(math.nan))
