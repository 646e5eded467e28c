# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Samples in tar files, as WebDataset has them.

    OUT/SPLIT.json              index of the shards, of the kind that `wids` reads
    OUT/SPLIT-000000.tar        KEY.image.jpg or .png, KEY.labels.png, KEY.depth.png, KEY.json
                                and, where they are known, KEY.confidence.png and
                                KEY.soft_labels.png, as soft_labels.stacked makes it

Depth is in 24 bits as CARLA codes it: steps of 0.06 mm, the far plane of 1000 m is the sky, and 0
is unknown. KEY.json has the name of the sample and fx, fy, cx, cy of its camera.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import json
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros import carla
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets.sample import check_intrinsics, DatasetError, Sample
from segformer_ros.datasets.soft_labels import stacked, unstacked
from segformer_ros.datasets.storage import Storage
from segformer_ros.datasets.storage_images import read_codes, read_rgb
from segformer_ros.labels import LABEL_SETS, LabelClass, LabelSet

KIND = 'wids-shard-index-v1'
OWN = 'segformer_ros'
"""The key of the index under which our own facts stand; others leave it alone."""


@dataclass(frozen=True)
class ShardEntry:
    """
    A shard of the index.

    :param url: Relative to the index, or with a scheme.
    :param names: Of its samples, in order.
    """

    url: str
    samples: int
    file_bytes: int
    names: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return what stands in the index."""
        return {
            'url': self.url,
            'nsamples': self.samples,
            'filesize': self.file_bytes,
            'names': list(self.names),
        }


@dataclass(frozen=True)
class ShardIndex:
    """All shards of a split, and the classes of its labels."""

    name: str
    label_set: LabelSet | None
    shards: tuple[ShardEntry, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the content of the file."""
        return {
            '__kind__': KIND,
            'wids_version': 1,
            'name': self.name,
            OWN: {'label_set': label_set_facts(self.label_set)},
            'shardlist': [shard.as_dict() for shard in self.shards],
        }


def read_index(content: bytes, where: str) -> ShardIndex:
    """
    Read an index.

    :param where: What to call it in messages.
    :raises DatasetError: It is none, or not one that this package wrote.
    """
    try:
        facts = json.loads(content)
        if facts.get('wids_version') != 1 or OWN not in facts:
            raise ValueError('one of another program or version')
        shards = tuple(shard_entry(item) for item in facts['shardlist'])
        classes = _label_set(facts[OWN]['label_set'])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f'expected an index of `segformer shards` in {where}, found something else ({error})'
        ) from error
    if not shards:
        raise DatasetError(f'expected shards in {where}, found none')
    return ShardIndex(str(facts.get('name', '')), classes, shards)


def shard_entry(item: Mapping[str, Any]) -> ShardEntry:
    """
    Read one shard of an index.

    :raises ValueError: It has not as many names as samples.
    """
    names = tuple(str(name) for name in item['names'])
    if len(names) != item['nsamples']:
        raise ValueError(f'{len(names)} names of {item["nsamples"]} samples')
    return ShardEntry(str(item['url']), len(names), int(item['filesize']), names)


def label_set_facts(classes: LabelSet | None) -> dict[str, Any] | None:
    """Write a label set down, so that also one that is nowhere else can be read back."""
    if classes is None:
        return None
    rows = [[item.id, item.name, list(item.color)] for item in classes.classes]
    return {'name': classes.name, 'classes': rows}


def _label_set(facts: Mapping[str, Any] | None) -> LabelSet | None:
    if facts is None:
        return None
    classes = []
    for number, name, (red, green, blue) in facts['classes']:
        classes.append(LabelClass(int(number), str(name), (int(red), int(green), int(blue))))
    found = LabelSet(str(facts['name']), tuple(classes))
    return found if LABEL_SETS.get(found.name) != found else LABEL_SETS[found.name]


def encode(sample: Sample, image: tuple[str, bytes]) -> dict[str, bytes]:
    """
    Return the files of a sample by what stands behind the key.

    :param image: Suffix and bytes of its image.
    :raises DatasetError: Its depth is negative.
    """
    facts: dict[str, Any] = {'name': sample.name}
    if sample.intrinsics is not None:
        camera = sample.intrinsics
        facts['camera'] = [camera.fx, camera.fy, camera.cx, camera.cy]
    files = {f'image.{image[0]}': image[1]}
    if sample.labels is not None:
        files['labels.png'] = png(sample.labels)
    if sample.confidence is not None:
        files['confidence.png'] = png(sample.confidence)
    if sample.soft_labels is not None:
        files['soft_labels.png'] = png(stacked(sample.soft_labels))
    if sample.depth is not None:
        unknown = np.isnan(sample.depth)
        try:
            code = carla.encode_depth_code(np.where(unknown, np.float32(0.0), sample.depth))
        except ValueError as error:
            raise DatasetError(f'{sample.name}: {error}') from error
        files['depth.png'] = png(code[..., :3])
    files['json'] = json.dumps(facts).encode()
    return files


def png(pixels: npt.NDArray[Any]) -> bytes:
    """Encode an image; three channels are in the order of OpenCV."""
    done, data = cv2.imencode('.png', pixels)
    if not done:
        raise DatasetError(f'an image of shape {pixels.shape} cannot be written as PNG')
    return data.tobytes()


def decode(storage: Storage, key: str, parts: Mapping[str, str]) -> Sample:
    """
    Read a sample.

    :param parts: The names of its files by what stands behind the key.
    :raises DatasetError: A file is missing or damaged.
    """
    place = f'{key} of {storage.path}'
    image_name = next((parts[part] for part in parts if part.startswith('image.')), None)
    if image_name is None or 'json' not in parts:
        raise DatasetError(f'expected {key}.image.jpg or .png and {key}.json in {storage.path}')
    image = read_rgb(storage, image_name)
    labels = depth = confidence = soft = None
    if 'labels.png' in parts:
        labels = np.asarray(read_codes(storage, parts['labels.png'], 1), np.uint8)
    if 'confidence.png' in parts:
        confidence = np.asarray(read_codes(storage, parts['confidence.png'], 1), np.uint8)
    if 'soft_labels.png' in parts:
        codes = read_codes(storage, parts['soft_labels.png'], 1)
        soft = unstacked(codes, image.shape, f'soft_labels.png of {place}')
    if 'depth.png' in parts:
        code = read_codes(storage, parts['depth.png'], 3)
        depth = carla.decode_depth_code(code)
        depth[~code.any(axis=-1)] = np.nan
    try:
        facts = json.loads(storage.read(parts['json']))
        name, camera = str(facts['name']), facts.get('camera')
        intrinsics = None
        if camera is not None:
            fx, fy, cx, cy = (float(number) for number in camera)
            intrinsics = Intrinsics(fx, fy, cx, cy, image.shape[1], image.shape[0])
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f'expected name and camera as JSON in {place}: {error}') from error
    if intrinsics is not None:
        # A region of a camera image may leave its principal point out.
        check_intrinsics(intrinsics, place, part=True)
    return Sample(image, labels, depth, intrinsics, name, confidence, soft)
