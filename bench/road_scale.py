# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
How much the scale from the road helps depth, against LiDAR.

    python bench/road_scale.py FOLDER [MODEL]

FOLDER is a scene in the format of Toyota's dgp (scene_*.json, calibration, rgb, point_cloud).
AbsRel of LiDAR points, before and after, by class and distance; each image alone, unsmoothed.
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


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description='AbsRel against LiDAR, unscaled and scaled.')
    parser.add_argument('folder', type=Path, help='scene with a scene_*.json')
    parser.add_argument('model', nargs='?', default='road_b0', help='network (default: road_b0)')
    arguments = parser.parse_args()
    folder = arguments.folder
    if not any(folder.glob('scene_*.json')):
        parser.error(f'{folder}: expected a scene_*.json of dgp in this folder, found none')
    pipeline = Pipeline.load(arguments.model, threads=1)
    classes = pipeline.manifest.classes
    names = {item.id: item.name for item in classes}
    assert pipeline.manifest.depth is not None
    unit = pipeline.manifest.depth.unit
    rows = []
    for name, rgb, own, height_m, u, v, metres in samples(folder):
        found = pipeline.predict(
            rgb, focal_length_px=own.fx, options=Options(min_depth_m=0.1, max_depth_m=1e4)
        )
        assert found.depth is not None
        assert found.labels is not None
        scale = RoadScale(classes, unit, ScaleOptions(height_m))
        after = scale.apply(found.depth, found.labels, own, (0.1, 1e4))
        fit = scale.last
        text = fit.refused or f'factor {fit.factor:.2f}, spread {fit.spread:.3f}'
        sys.stdout.write(f'{name}: camera {height_m:.2f} m above the road, {text}\n')
        for column, row, truth in zip(u, v, metres, strict=True):
            label = names.get(int(found.labels[row, column]), '')
            # Without a road in view the depth stays what it was.
            scaled = found.depth[row, column] if fit.refused else after[row, column]
            rows.append((label, truth, found.depth[row, column], scaled, bool(fit.refused)))
    table = np.array([(t, b, a) for _, t, b, a, _ in rows])
    labels = np.array([row[0] for row in rows])
    error = np.abs(table[:, 1:] / table[:, :1] - 1.0)
    known = np.isfinite(error).all(axis=1)
    within = np.all([known, table[:, 0] >= 2, table[:, 0] < 80], axis=0)
    groups = {'all': within}
    groups |= {g: within & np.isin(labels, kinds) for g, kinds in GROUPS.items()}
    groups |= {
        f'{low} to {high} m': within & (table[:, 0] >= low) & (table[:, 0] < high)
        for low, high in RANGES
    }
    sys.stdout.write(f'{"":<14}{"points":>8}{"before":>9}{"after":>9}\n')
    for group, chosen in groups.items():
        if chosen.any():
            before, after = error[chosen].mean(axis=0)
            sys.stdout.write(f'{group:<14}{chosen.sum():>8}{before:>9.3f}{after:>9.3f}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
