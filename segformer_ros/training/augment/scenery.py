# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Other surfaces, light and air in a picture whose labels and depth are known."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.labels import VOID
from segformer_ros.training.augment.camera_look import as_bytes

Image = npt.NDArray[np.uint8]

# Koschmieder: contrast falls by exp(-b d); the visibility is where 5 % of it are left.
_VISIBILITY_LOG = 2.996
_KNOWN_SHARE = 0.8
_GAMMA = 2.2
_LINEAR = ((np.arange(256) / 255.0) ** _GAMMA).astype(np.float32)
_LINEAR_STEPS = 4095
_DISPLAY = np.round(
    255.0 * (np.arange(_LINEAR_STEPS + 1) / _LINEAR_STEPS) ** (1.0 / _GAMMA)
).astype(np.uint8)


def pattern(hw: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw smooth blotches of a random size, somewhat wider than high: (H, W), about -1 to 1."""
    height, width = hw
    cell = float(np.exp(rng.uniform(np.log(2.0), np.log(max(3.0, height / 6.0)))))
    grid = (max(2, round(height / cell)), max(2, round(width / (1.5 * cell))))
    coarse = rng.uniform(-1.0, 1.0, grid).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


def retexture(
    image: Image, labels: npt.NDArray[np.uint8], rng: np.random.Generator, strength: float = 1.0
) -> Image:
    """
    Remix the colour channels of up to six classes, each in its own way, and add a pattern.

    :param labels: (H, W) class ids; unknown pixels stay.
    :param strength: 0 (nothing) to 1 (any mix of the channels).
    """
    present = np.flatnonzero(np.bincount(labels.ravel(), minlength=256)[:VOID])
    chosen = rng.permutation(present)[: int(rng.integers(1, 7))]
    blotches = cv2.merge([pattern(labels.shape, rng)] * 3)
    blotches = (blotches * (strength * rng.uniform(0.0, 40.0))).astype(np.int16)
    result = image.copy()
    for class_id in chosen:
        share = float(rng.uniform(0.2, 0.9)) * strength
        gain = np.exp(rng.uniform(-0.4, 0.4, (3, 1)) * strength)
        mix = gain * ((1.0 - share) * np.eye(3) + share * rng.dirichlet(np.ones(3), 3))
        shift = rng.uniform(-40.0, 40.0, (3, 1)) * strength
        painted = cv2.transform(image, np.hstack([mix, shift]))
        painted = cv2.add(painted, blotches, dtype=cv2.CV_8U)
        cv2.copyTo(painted, (labels == class_id).view(np.uint8), result)
    return result


def _leaves(hw: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw the shadow of trees on level ground below a horizon: (H, W), 0 lit to 1 dark."""
    height, width = hw
    side = 96
    ground = pattern((side, side), rng) + pattern((side, side), rng)
    dark = np.clip(2.0 * ground + rng.uniform(-0.8, 0.8), 0.0, 1.0)
    horizon, far = rng.uniform(0.35, 0.5) * height, rng.uniform(0.2, 0.8) * width
    narrow, broad = 0.08 * width, rng.uniform(0.8, 2.0) * width
    corners = np.array(
        [
            (far - narrow, horizon),
            (far + narrow, horizon),
            (0.5 * width + broad, height),
            (0.5 * width - broad, height),
        ],
        np.float32,
    )
    square = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32)
    onto_ground = cv2.getPerspectiveTransform(square, corners)
    return np.asarray(cv2.warpPerspective(dark, onto_ground, (width, height)), np.float32)


def _edge(hw: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw the shadow of a building: (H, W), 0 lit to 1 dark, soft at its edges."""
    height, width = hw
    corners = rng.uniform((-0.3, 0.2), (1.3, 1.5), (4, 2)) * (width, height)
    hull = cv2.convexHull(corners.astype(np.int32))
    filled = cv2.fillConvexPoly(np.zeros(hw, np.uint8), hull, 255)
    spread = 1 + 2 * round(float(rng.uniform(0.002, 0.015)) * width)
    return np.asarray(cv2.blur(filled, (spread, spread)) / np.float32(255.0), np.float32)


def cast_shadow(
    image: Image,
    depth: npt.NDArray[np.float32] | None,
    rng: np.random.Generator,
    strength: float = 1.0,
) -> Image:
    """
    Darken the picture next to edges, as of a building, or the ground in blotches, as of leaves.

    :param depth: (H, W) metres: pixels at infinity have no shadow. None: unknown.
    """
    hw = (image.shape[0], image.shape[1])
    dark = _leaves(hw, rng) if rng.random() < 0.5 else _edge(hw, rng)
    if depth is not None:
        dark = np.where(np.isposinf(depth), np.float32(0.0), dark)
    # The light of the sky, which is left, is bluish.
    loss = strength * float(rng.uniform(0.25, 0.65)) * np.array([1.0, 0.97, 0.9])
    tables = np.round(255.0 * (1.0 - np.arange(256)[:, None] / 255.0 * loss)).astype(np.uint8)
    levels = as_bytes(cv2.convertScaleAbs(dark, alpha=255.0))
    kept = as_bytes(cv2.LUT(cv2.merge([levels] * 3), tables[None]))
    return as_bytes(cv2.multiply(image, kept, scale=1.0 / 255.0))


def add_fog(
    image: Image,
    depth: npt.NDArray[np.float32],
    rng: np.random.Generator,
    strength: float = 1.0,
    visibility_m: tuple[float, float] = (50.0, 600.0),
) -> Image:
    """
    Mix the light of the air into the picture: I t + A (1 - t) with t = exp(-b depth).

    Light is mixed, not levels: both are taken through a gamma of 2.2. A picture of which less
    than four fifths of the depth are known stays as it is; the rest takes the median depth.

    :param depth: (H, W) metres, NaN where unknown, inf for the sky.
    """
    unknown = np.isnan(depth)
    if np.count_nonzero(unknown) > (1.0 - _KNOWN_SHARE) * depth.size:
        return image
    if unknown.any():
        depth = np.where(unknown, np.median(depth[~unknown]), depth)
    visibility = float(np.exp(rng.uniform(*np.log(visibility_m))))
    kept = np.exp(np.minimum(depth, 1e6) * np.float32(-_VISIBILITY_LOG / visibility))
    kept = 1.0 - np.float32(strength) * (1.0 - kept)
    brightness = float(np.mean(cv2.mean(image)[:3])) / 255.0
    level = brightness * rng.uniform(1.0, 1.7) + rng.uniform(-0.04, 0.04, 3)
    air = (np.clip(level, 0.05, 0.97) ** _GAMMA).astype(np.float32)
    light = (_LINEAR[image] - air) * kept[..., None] + air
    steps = (light * np.float32(_LINEAR_STEPS) + np.float32(0.5)).astype(np.uint16)
    return as_bytes(_DISPLAY[steps])


def add_flare(
    image: Image,
    depth: npt.NDArray[np.float32] | None,
    rng: np.random.Generator,
    strength: float = 1.0,
) -> Image:
    """
    Add the glow of a sun, its veil, and up to four ghosts of the lens.

    :param depth: (H, W) metres: the sun stands where it is infinite, or else, as without depth,
        near the upper edge.
    """
    height, width = image.shape[:2]
    small = (max(2, height // 4), max(2, width // 4))
    sun = rng.uniform((0.0, -0.1), (1.0, 0.25)) * (small[1], small[0])
    sky = np.flatnonzero(np.isposinf(depth)) if depth is not None else ()
    if len(sky):
        row, column = divmod(int(sky[rng.integers(len(sky))]), width)
        sun = np.array([column * small[1] / width, row * small[0] / height])
    y, x = np.ogrid[: small[0], : small[1]]
    far = np.hypot(x - sun[0], y - sun[1]) / small[1]
    size = float(rng.uniform(0.02, 0.08))
    glow = rng.uniform(120.0, 350.0) * np.exp(-far / size) + rng.uniform(0.0, 40.0)
    warm = np.array([1.0, rng.uniform(0.85, 1.0), rng.uniform(0.65, 1.0)])
    added = (glow[..., None] * warm).astype(np.float32)
    middle = np.array([small[1], small[0]]) / 2.0
    for place in rng.uniform(0.3, 2.0, int(rng.integers(0, 5))):
        ghost = np.zeros_like(added)
        center = (sun + place * (middle - sun)).round().astype(int).tolist()
        radius = max(1, round(float(rng.uniform(0.01, 0.06)) * small[1]))
        cv2.circle(ghost, center, radius, rng.uniform(5.0, 40.0, 3).tolist(), -1, cv2.LINE_AA)
        added += cv2.blur(ghost, (3, 3))
    bright = cv2.resize(cv2.convertScaleAbs(added, alpha=strength), (width, height))
    return as_bytes(cv2.add(image, bright))
