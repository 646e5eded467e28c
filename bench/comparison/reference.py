# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What the network gives in float64, and what of it belongs in the images of the camera.

There are two ways to put a camera image into the network's input: baselines stretch it, ours keeps
its aspect ratio. Each candidate is compared with the float64 results of its own way.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.inference.preprocess import fit
import torch

from comparison.case import Case, Image, LOGITS_STRIDE, MEAN, STD
from comparison.hugging_face import HuggingFaceMultitask

DoubleArray = npt.NDArray[np.float64]

STRETCHED, FITTED = 'stretched', 'fitted'


def write(case: Case, network: HuggingFaceMultitask) -> None:
    """
    Compute the results of a case and write them.

    :param network: Of the case; turned to float64.
    """
    network.double()
    camera = cv2.cvtColor(case.camera_image(), cv2.COLOR_BGR2RGB)
    size = (case.height, case.width)
    fitted = fit((case.camera_h, case.camera_w), [size])
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    outputs = None
    for way, resized in ((STRETCHED, size), (FITTED, (fitted.resized_h, fitted.resized_w))):
        if outputs is None or resized != size:
            outputs = _outputs(network, np.asarray(camera, np.uint8), resized, size)
        logits, depth = outputs
        if way == STRETCHED:
            arrays['logits'], arrays['depth'] = logits, depth
        scores = at_pixels(logits[0], resized, LOGITS_STRIDE, camera.shape[:2])
        arrays[f'labels_{way}'] = scores.argmax(axis=0).astype(np.uint8)
        arrays[f'depth_{way}'] = at_pixels(depth[0], resized, 1, camera.shape[:2])[0]
    np.savez(case.reference, **arrays)  # type: ignore[arg-type]


@torch.inference_mode()
def _outputs(
    network: HuggingFaceMultitask, image: Image, resized: tuple[int, int], size: tuple[int, int]
) -> tuple[DoubleArray, DoubleArray]:
    """Run the network on an image resized to the upper left corner of its input."""
    pixels = np.asarray(cv2.resize(image, resized[::-1]), np.float64) / 255.0
    planes = np.zeros((1, 3, *size))
    planes[0, :, : resized[0], : resized[1]] = ((pixels - MEAN) / STD).transpose(2, 0, 1)
    logits, depth = network(torch.from_numpy(planes))
    return logits.numpy(), depth.numpy()


def at_pixels(
    cells: DoubleArray, resized: tuple[int, int], stride: int, camera: tuple[int, int]
) -> DoubleArray:
    """
    Interpolate bilinearly at the centre of every pixel of the camera.

    :param cells: (C, h, w) for the whole input; only those that see the image count.
    :param resized: Height and width of the image in the input.
    :param stride: Input pixels per cell.
    :returns: (C, camera height, camera width).
    """
    rows, columns = (
        _weights(pixels, length, stride) for pixels, length in zip(camera, resized, strict=True)
    )
    seen: DoubleArray = cells[:, : rows.shape[1], : columns.shape[1]]
    return np.stack([rows @ channel @ columns.T for channel in seen])


def _weights(pixels: int, length: int, stride: int) -> DoubleArray:
    cells = -(-length // stride)
    place = np.clip((np.arange(pixels) + 0.5) * length / (pixels * stride) - 0.5, 0, cells - 1)
    weights: DoubleArray = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(cells)))
    return weights
