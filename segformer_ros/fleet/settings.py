# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What decides the results of a labelling: the same for every shard and every worker."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from segformer_ros.fleet.inputs import BAG
from segformer_ros.inference.pipeline import Options


@dataclass(frozen=True)
class Settings:
    """
    How every frame is computed; values are those of `segformer run`.

    :param model: Name or folder of a network.
    :param backend: A backend by its name, never 'auto': every worker takes the same.
    :param model_sha256: Of the manifest of the network, which has the sha256 of its weights.
    :param topics: Image topics of bags; none: the only colour images.
    :param output: 'run', or 'samples' to train from; what follows but inference is for samples.
    :param rate_hz: Frames per second of each camera at most; 0 takes all.
    :param distance_m: Metres driven from frame to frame, where known; 0 takes all.
    :param odometry: Topic that says how far was driven; empty: the only one.
    :param flicker: Whether each frame is compared with the one before it.
    :param soft_labels: Number of classes of each pixel that are kept with their probabilities.
    :param second: Name or folder of a network that is compared with; empty: none.
    :param second_sha256: As model_sha256.
    :param depth_format: 'npy' or 'png16'; empty: png16, in bags npy.
    """

    model: str
    backend: str
    model_sha256: str
    focal_px: float | None = None
    camera_fov_deg: float = 0.0
    depth_format: str = ''
    topics: tuple[str, ...] = ()
    camera_infos: tuple[str, ...] = ()
    bag_format: str = 'sqlite3'
    ros_distro: str = ''
    output: str = 'run'
    rate_hz: float = 0.0
    distance_m: float = 0.0
    odometry: str = ''
    flicker: bool = False
    soft_labels: int = 0
    second: str = ''
    second_sha256: str = ''
    inference: Options = field(default_factory=Options)

    def depth_format_of(self, kind: str) -> str:
        """Return the file format of depth for a kind of input."""
        return self.depth_format or ('npy' if kind == BAG else 'png16')

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values, to know a labelling that continues."""
        facts = asdict(self)
        facts |= facts.pop('inference')
        # The manifest says which network it is, wherever it lies.
        facts['model'] = Path(self.model).name
        facts['second'] = Path(self.second).name
        return {'format': 1, 'kind': 'label'} | {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in facts.items()
        }
