# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Manifests of bundles, recordings and their metadata, headers of checkpoints."""

from __future__ import annotations

import atexit
from functools import cache, partial
import importlib
import importlib.util
import io
import json
from pathlib import Path
import shutil
import tempfile
from typing import Any

import numpy as np
from segformer_ros import bundle
from segformer_ros.bags.message_types import make_store
from segformer_ros.bags.rosbag import BagError, BagReader
from segformer_ros.bags.writer import BagWriter
from segformer_ros.bundle import BundleError
from segformer_ros.image_encoding import decode_message, EncodingError
from segformer_ros.output_topics.contents import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE

from fuzzing import bounded_memory, forget_peak, Target
from fuzzing.damage import all_damaged, damage, raises_only, trees_from

# One folder that every example writes into again; in memory where there is such a place.
_SHM = Path('/dev/shm')
_FOLDER = Path(tempfile.mkdtemp(prefix='fuzz.', dir=_SHM if _SHM.is_dir() else None))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def _manifest() -> Any:
    return json.loads((bundle.MODELS / 'world_b0_fast' / 'manifest.json').read_bytes())


def check_manifest(content: Any) -> None:
    """Want a manifest that is right, or a refusal in one sentence."""
    found = raises_only((BundleError,), lambda: bundle.parse(content))
    if found is not None:
        for size in found.input_sizes:
            assert all(min(shape) > 0 for shape in found.output_shapes(size).values())


def check_manifest_bytes(content: bytes) -> None:
    """Want a folder with damaged JSON to be refused as a bundle."""
    folder = _FOLDER / 'bundle'
    folder.mkdir(exist_ok=True)
    (folder / 'manifest.json').write_bytes(content)
    with bounded_memory(len(content)):
        raises_only((BundleError,), lambda: bundle.read(folder))


_STORE = make_store()
_TYPES: dict[str, Any] = dict(_STORE.types)


def _messages() -> dict[str, bytes]:
    """Return the CDR bytes of one small message of each type."""
    stamp = _TYPES['builtin_interfaces/msg/Time'](sec=1, nanosec=2)
    header = _TYPES['std_msgs/msg/Header'](stamp=stamp, frame_id='camera')
    image = _TYPES[IMAGE](header, 4, 6, 'rgb8', 0, 18, np.arange(72, dtype=np.uint8))
    compressed = _TYPES[COMPRESSED_IMAGE](header, 'jpeg', np.arange(40, dtype=np.uint8))
    region = _TYPES['sensor_msgs/msg/RegionOfInterest'](0, 0, 0, 0, False)
    info = _TYPES[CAMERA_INFO](
        header, 4, 6, 'plumb_bob', np.zeros(5), np.eye(3).reshape(-1), np.eye(3).reshape(-1),
        np.zeros(12), 0, 0, region,
    )  # fmt: skip
    pairs = ((IMAGE, image), (COMPRESSED_IMAGE, compressed), (CAMERA_INFO, info))
    return {name: bytes(_STORE.serialize_cdr(message, name)) for name, message in pairs}


_MESSAGES = _messages()


class _Bag(BagReader):
    """What reads messages, without a bag around it."""

    def __init__(self) -> None:
        self.path, self.store = Path('memory'), _STORE


_READER = _Bag()


def check_message(drawn: tuple[str, bytes]) -> None:
    """Want a message of a bag to become an image of its size, or a refusal."""
    name, raw = drawn
    with bounded_memory(len(raw)):
        message = raises_only((ValueError,), lambda: _READER.deserialize(raw, name))
        if message is None or name == CAMERA_INFO:
            return
        image = raises_only((EncodingError,), lambda: decode_message(message))
    if image is not None and name == IMAGE:
        assert image.shape == (message.height, message.width, 3)


def _bag() -> Path:
    path = _FOLDER / 'drive'
    with BagWriter(path, 'sqlite3', _STORE) as writer:
        for number, (name, raw) in enumerate(_MESSAGES.items()):
            writer.write(writer.add_topic(f'/camera/{number}', name), 10 + number, raw)
    return path


def check_metadata(content: bytes) -> None:
    """Want a bag with a damaged metadata.yaml to be read to its end, or refused."""
    path = _FOLDER / 'drive'
    if not path.is_dir():
        _bag()
    (path / 'metadata.yaml').write_bytes(content)

    def read() -> int:
        with BagReader(path) as reader:
            return sum(1 for _ in reader.messages())

    with bounded_memory(64 * len(content)):
        count = raises_only((BagError,), read)
    assert count is None or 0 <= count <= len(_MESSAGES)


def _metadata() -> bytes:
    return (_bag() / 'metadata.yaml').read_bytes()


def _safetensors() -> list[bytes]:
    """Make small checkpoints: of ours, and of no one's."""
    save: Any = importlib.import_module('safetensors.numpy').save
    weights = {'encoder.stages.0.x': np.ones((2, 3), np.float32), 'step': np.zeros((), np.int64)}
    network = {'size': 'b0', 'num_classes': 3}
    facts = json.dumps({'network': network, 'classes': [0, 1, 2], 'recipe': {}})
    return [save(weights), save(weights, {'segformer_ros': facts})]


def _pickles() -> list[bytes]:
    torch: Any = importlib.import_module('torch')
    made = []
    for zipped in (True, False):
        file = io.BytesIO()
        state = {'backbone.x.weight': torch.ones(2, 3), 'y': torch.zeros(1, dtype=torch.int64)}
        content = {'state_dict': state, 'meta': {'CLASSES': ('a',)}}
        torch.save(content, file, _use_new_zipfile_serialization=zipped)
        made.append(file.getvalue())
    return made


def check_checkpoint(drawn: tuple[bytes, str]) -> None:
    """Want a checkpoint whose header is damaged to be refused in one sentence."""
    from segformer_ros.checkpoints import read
    from segformer_ros.network.checkpoint import CheckpointError

    content, suffix = drawn
    path = _FOLDER / f'weights{suffix}'
    path.write_bytes(content)
    with bounded_memory(len(content)):
        found = raises_only((CheckpointError,), lambda: read(path))
    assert found is None, 'none of these is a network'


@cache
def targets() -> tuple[Target, ...]:
    """Return those that can run here: checkpoints need torch."""
    manifest = _manifest()
    text = json.dumps(manifest).encode()
    found = [
        Target('manifest', trees_from(manifest), check_manifest),
        Target('manifest_bytes', damage(), check_manifest_bytes, partial(all_damaged, [text])),
        Target('message', damage(), check_message, _damaged_messages),
        Target('metadata', damage(), check_metadata, partial(all_damaged, [_metadata()])),
    ]
    if importlib.util.find_spec('torch') is not None:
        files = [
            *((content, '.safetensors') for content in _safetensors()),
            *((content, '.pth') for content in _pickles()),
        ]
        for file in files:
            # What it imports counts no longer.
            check_checkpoint(file)
        forget_peak()

        def damaged(edits: Any) -> list[tuple[bytes, str]]:
            contents = all_damaged([content for content, _ in files], edits)
            return [(content, file[1]) for content, file in zip(contents, files, strict=True)]

        found.append(Target('checkpoint', damage(), check_checkpoint, damaged))
    return tuple(found)


def _damaged_messages(edits: Any) -> list[tuple[str, bytes]]:
    return list(zip(_MESSAGES, all_damaged(list(_MESSAGES.values()), edits), strict=True))
