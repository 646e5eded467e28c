# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a step learns from."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
from segformer_ros.network.normalization import MEAN, STD
import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """
    What one step learns from.

    :param image: (N, 3, H, W) float32, normalised.
    :param labels: (N, H, W) int64 channel numbers, 255 where unknown.
    :param depth: (N, H, W) float32 metres, not finite where unknown.
    :param focal_px: (N,) float32 focal length in pixels of the image.
    :param confidence: (N, H, W) float32 what the label of a pixel counts; None: all count 1.
    :param plain: (N, 3, H, W) the images without changes of colour and domain, for the teacher of
        a stage that learns from it; None: no stage does.
    :param soft_labels: (N, 2 k, H, W) uint8: channel numbers of k classes, 255 where none, then
        their probabilities times 255; all 0 where only the label is known. None: labels alone.
    """

    image: Tensor
    labels: Tensor
    depth: Tensor
    focal_px: Tensor
    confidence: Tensor | None = None
    plain: Tensor | None = None
    soft_labels: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """Move it."""
        present = {i.name: getattr(self, i.name) for i in fields(self)}
        return replace(
            self,
            **{
                name: value.to(device, non_blocking=True)
                for name, value in present.items()
                if value is not None
            },
        )


def normalize(images: npt.NDArray[np.uint8]) -> Tensor:
    """
    Turn (N, H, W, 3) uint8 RGB into the (N, 3, H, W) float32 that the network takes.

    By numpy: torch would wake its threads, which the network computes with at the same time.
    """
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).astype(np.float32)
    planes /= np.float32(255.0)
    planes -= np.array(MEAN, np.float32)[:, None, None]
    planes /= np.array(STD, np.float32)[:, None, None]
    return torch.from_numpy(planes)
