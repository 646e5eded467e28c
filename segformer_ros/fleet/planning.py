# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What an input holds, and where it can be cut without changing what comes out."""

from __future__ import annotations

from dataclasses import dataclass
import hashlib
import sys
import warnings

from segformer_ros.bags.cameras import choose
from segformer_ros.bags.process import count_images
from segformer_ros.bags.rosbag import BagReader, BagWarning
from segformer_ros.file_hash import sha256_of
from segformer_ros.files.video import VideoReader
from segformer_ros.fleet.inputs import BAG, IMAGES, Input, VIDEO
from segformer_ros.fleet.settings import Settings

Cuts = list[tuple[int | None, int | None]]


@dataclass(frozen=True)
class Plan:
    """
    An input that was looked at.

    :param sha256: Of its content, whatever its place.
    :param frames: Number of frames; of a video as its file says it.
    :param cuts: Where each shard begins and ends: None, a frame, or nanoseconds of a bag.
    """

    sha256: str
    frames: int
    cuts: Cuts


def plan(item: Input, settings: Settings, shard_frames: int) -> Plan:
    """
    Look at an input.

    :param shard_frames: Number of frames of a shard, about.
    :raises ValueError: It cannot be processed; one sentence.
    :raises OSError: It cannot be read.
    """
    content = content_of(item)
    if settings.output != 'run' and item.kind != IMAGES:
        # Which frames are taken depends on those before.
        shard_frames = sys.maxsize
    if item.kind == BAG:
        return Plan(content, *_cut_bag(item, settings, shard_frames))
    if item.kind == VIDEO:
        return Plan(content, *_cut_video(item, shard_frames))
    count = len(item.images())
    return Plan(content, count, _pairs(list(range(0, count, shard_frames))))


def content_of(item: Input) -> str:
    """
    Return the sha256 of all files of an input, with their names where these name results.

    :raises OSError: A file cannot be read.
    """
    files = item.files()
    if item.kind != BAG and len(files) == 1 and not item.path.is_dir():
        return sha256_of(item.path)
    digest = hashlib.sha256()
    for file in files:
        name = file.relative_to(item.path) if item.path.is_dir() else file.name
        # A file that cannot be read is an unreadable frame of its folder.
        content = sha256_of(file) if file.exists() else ''
        digest.update(f'{name}\0{content}\0'.encode())
    return digest.hexdigest()


def _pairs(starts: list[int]) -> Cuts:
    """Return the shards that begin at some places, the outer ends open."""
    inner = starts[1:]
    return list(zip([None, *inner], [*inner, None], strict=True))


def _cut_bag(item: Input, settings: Settings, shard_frames: int) -> tuple[int, Cuts]:
    """Cut a bag into equal times: its index names no topic, so that no image is counted."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', BagWarning)
        reader = BagReader(item.path, settings.ros_distro)
    with reader:
        cameras = choose(reader, settings.topics, settings.camera_infos)
        count = count_images(reader, cameras, None)
        parts = max(1, -(-count // shard_frames))
        span_ns = round(reader.duration_s * 1e9) + 1
        begin_ns = reader.start_ns
    return count, _pairs([begin_ns + span_ns * part // parts for part in range(parts)])


def _cut_video(item: Input, shard_frames: int) -> tuple[int, Cuts]:
    with VideoReader(item.path) as reader:
        starts = reader.cut(shard_frames) if reader.count > shard_frames else [0]
        return reader.count, _pairs(starts)
