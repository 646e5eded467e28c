# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
How much the scale from the road helps depth, against LiDAR.

    python bench/road_scale.py FOLDER [MODEL]

FOLDER is a scene in the format of Toyota's dgp (scene_*.json, calibration, rgb, point_cloud).
AbsRel and delta1 of LiDAR points, before and after, by class and distance; each image alone,
unsmoothed. Then how often the unscaled depth is right at each confidence that the network states.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import json
from pathlib import Path
import sys
from typing import Any

import cv2
import numpy as np
from segformer_ros.camera import Intrinsics
from segformer_ros.inference.pipeline import Options, Pipeline
from segformer_ros.inference.road_scale import RoadScale, ScaleOptions
from segformer_ros.metrics import CalibrationMeter

GROUPS = {
    'road': ('road', 'roads', 'road_line'),
    'vehicles': ('car', 'truck', 'bus', 'motorcycle', 'train'),
    'vegetation': ('vegetation', 'terrain'),
    'buildings': ('building', 'wall', 'fence'),
}
RANGES = ((2, 10), (10, 20), (20, 40), (40, 80))


def matrix(pose: Any) -> Any:
    """Make the 4 x 4 matrix of a pose of dgp."""
    q, t = pose['rotation'], pose['translation']
    w, x, y, z = (q[k] for k in ('qw', 'qx', 'qy', 'qz'))
    result = np.eye(4)
    result[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    result[:3, 3] = [t['x'], t['y'], t['z']]
    return result


def samples(folder: Path) -> Iterator[Any]:
    """Yield (name, RGB, intrinsics, camera height, columns, rows, metres) of every image."""
    scene = json.loads(next(folder.glob('scene_*.json')).read_text())
    calibration = json.loads(next((folder / 'calibration').glob('*.json')).read_text())
    cameras = dict(zip(calibration['names'], calibration['intrinsics'], strict=True))
    mounts = dict(zip(calibration['names'], calibration['extrinsics'], strict=True))
    data = {item['key']: item for item in scene['data']}
    for sample in scene['samples']:
        parts = [data[key] for key in sample['datum_keys']]
        cloud = next(p['datum']['point_cloud'] for p in parts if 'point_cloud' in p['datum'])
        points = np.load(folder / cloud['filename'])['data'][:, :3].astype(np.float64)
        near = points[(np.abs(points[:, 1]) < 4) & (points[:, 0] > 3) & (points[:, 0] < 15)]
        ground_z = float(np.percentile(near[:, 2], 20))
        world = matrix(cloud['pose']) @ np.c_[points, np.ones(len(points))].T
        for part in parts:
            image = part['datum'].get('image')
            if image is None:
                continue
            name = part['id']['name']
            k = cameras[name]
            rgb = np.asarray(cv2.imread(str(folder / image['filename'])))[..., ::-1]
            height, width = rgb.shape[:2]
            x, y, z, _ = np.linalg.inv(matrix(image['pose'])) @ world
            seen = z > 0.5
            u = np.rint(k['fx'] * x[seen] / z[seen] + k['cx']).astype(int)
            v = np.rint(k['fy'] * y[seen] / z[seen] + k['cy']).astype(int)
            inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
            own = Intrinsics(k['fx'], k['fy'], k['cx'], k['cy'], width, height)
            camera_z = mounts[name]['translation']['z']
            yield (
                f'{name} {image["filename"][-20:-4]}',
                np.ascontiguousarray(rgb),
                own,
                camera_z - ground_z,
                u[inside],
                v[inside],
                z[seen][inside],
            )


def scaled(pipeline: Pipeline, folder: Path) -> Iterator[Any]:
    """Yield labels, true metres, depth before and after, and confidence of each image's points."""
    manifest = pipeline.manifest
    assert manifest.depth is not None
    options = Options(min_depth_m=0.1, max_depth_m=1e4, depth_confidence=True)
    for name, rgb, own, height_m, u, v, metres in samples(folder):
        found = pipeline.predict(rgb, focal_length_px=own.fx, options=options)
        assert found.depth is not None
        assert found.labels is not None
        scale = RoadScale(manifest.classes, manifest.depth.unit, ScaleOptions(height_m))
        after = scale.apply(found.depth, found.labels, own, (0.1, 1e4))
        fit = scale.last
        text = fit.refused or f'factor {fit.factor:.2f}, spread {fit.spread:.3f}'
        sys.stdout.write(f'{name}: camera {height_m:.2f} m above the road, {text}\n')
        before = found.depth[v, u]
        confidence = found.depth_confidence
        yield (
            found.labels[v, u],
            metres,
            before,
            # Without a road in view the depth stays what it was.
            before if fit.refused else after[v, u],
            np.zeros(len(v)) if confidence is None else confidence[v, u] / 255.0,
        )


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description='AbsRel against LiDAR, unscaled and scaled.')
    parser.add_argument('folder', type=Path, help='scene with a scene_*.json')
    parser.add_argument('model', nargs='?', default='road_b0', help='network (default: road_b0)')
    arguments = parser.parse_args()
    if not any(arguments.folder.glob('scene_*.json')):
        parser.error(f'{arguments.folder}: expected a scene_*.json of dgp here, found none')
    pipeline = Pipeline.load(arguments.model, threads=1)
    ids = {item.name: item.id for item in pipeline.manifest.classes}
    images = zip(*scaled(pipeline, arguments.folder), strict=True)
    labels, metres, before, after, confidence = (np.concatenate(column) for column in images)
    ratio = np.stack([before, after], axis=1) / metres[:, None]
    within = np.isfinite(ratio).all(axis=1) & (metres >= 2) & (metres < 80)
    groups = {'all': within}
    for group, names in GROUPS.items():
        groups[group] = within & np.isin(labels, [ids[name] for name in names if name in ids])
    for low, high in RANGES:
        groups[f'{low} to {high} m'] = within & (metres >= low) & (metres < high)
    sys.stdout.write(f'{"":<14}{"points":>8}{"before":>9}{"after":>9}{"delta1":>9}{"after":>9}\n')
    for group, chosen in groups.items():
        if chosen.any():
            found = ratio[chosen]
            right = np.maximum(found, 1.0 / found) < 1.25
            figures = np.concatenate([np.abs(found - 1.0).mean(axis=0), right.mean(axis=0)])
            text = ''.join(f'{value:>9.3f}' for value in figures)
            sys.stdout.write(f'{group:<14}{chosen.sum():>8}{text}\n')
    if confidence.any():
        _print_confidence(confidence[within], ratio[within, 0])
    return 0


def _print_confidence(confidence: Any, ratio: Any) -> None:
    """Print how often unscaled depth is right at each stated confidence."""
    meter = CalibrationMeter()
    meter.add(confidence, np.maximum(ratio, 1.0 / ratio) <= 1.25)
    sys.stdout.write(f'{"confidence":<14}{"stated":>8}{"right":>9}{"share":>9}\n')
    for part in meter.parts():
        name = f'{part["from"]:.1f} to {part["to"]:.1f}'
        sys.stdout.write(
            f'{name:<14}{part["stated"]:>8.3f}{part["right"]:>9.3f}{part["share"]:>9.3f}\n'
        )
    whole = meter.result()
    text = f'{whole["stated"]:>8.3f}{whole["right"]:>9.3f}'
    sys.stdout.write(f'{"all":<14}{text}    1.000, mean difference {whole["error"]:.3f}\n')


if __name__ == '__main__':
    sys.exit(main())
