# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is to be built: a graph, a GPU and the options of the builder; and where it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.gpu import current_gpu, Gpu, parse_capability
from segformer_ros.engines.trt_variant import find_trt_variant, TRT_VARIANTS, TrtVariant

CURRENT = 'current'
PRECISIONS = ('float32', 'float16', 'bfloat16', 'int8', 'fp8')
HARDWARE = ('none', 'ampere_plus', 'same_compute_capability')
"""GPUs that an engine runs on: its own, all since Ampere, all of the same compute capability."""
DEFAULT_LIMIT_BYTES = 4 << 30


@dataclass(frozen=True)
class BuildOptions:
    """
    Options of the builder; None leaves the choice to TensorRT.

    :param workspace_gb: Most memory of the GPU for one layer, 2^30 bytes.
    :param optimization_level: 0 builds fastest, 5 searches longest.
    :param version_compatible: Also runs with later versions of TensorRT of the same major one.
    :param hardware_compatible: One of HARDWARE.
    """

    workspace_gb: float | None = None
    optimization_level: int | None = None
    version_compatible: bool = False
    hardware_compatible: str = 'none'

    def __post_init__(self) -> None:
        """Refuse what no builder takes."""
        if self.workspace_gb is not None and not 0.0 < self.workspace_gb <= 1024.0:
            raise EngineError(f'expected a workspace of 0 to 1024 GB, got {self.workspace_gb:g}')
        if self.optimization_level is not None and not 0 <= self.optimization_level <= 5:
            raise EngineError(
                f'expected an optimization level of 0 to 5, got {self.optimization_level}'
            )
        if self.hardware_compatible not in HARDWARE:
            known = ', '.join(HARDWARE)
            raise EngineError(f'expected one of {known}, got {self.hardware_compatible!r}')


@dataclass(frozen=True)
class BuildRequest:
    """
    One engine.

    :param graph: The ONNX file; its precision is in its types.
    :param weights: Files next to it that it takes its weights from.
    :param precision: Of the graph, one of PRECISIONS.
    :param images: Fewest and most images at once; the engine is tuned for the most.
    :param name: What people call it.
    :param device: CURRENT or a compute capability such as 'sm86'.
    :param trt_variant: 'auto' or one of TRT_VARIANTS.
    :param cache: Folder to keep it in; None is that of the user.
    :param limit_bytes: Of the cache; engines used longest ago are removed beyond it.
    """

    graph: Path
    weights: tuple[Path, ...] = ()
    precision: str = 'float32'
    images: tuple[int, int] = (1, 1)
    name: str = ''
    device: str = CURRENT
    trt_variant: str = 'auto'
    options: BuildOptions = field(default_factory=BuildOptions)
    cache: Path | None = None
    limit_bytes: int = DEFAULT_LIMIT_BYTES

    def __post_init__(self) -> None:
        """Refuse what cannot be built anywhere."""
        low, high = self.images
        if not 1 <= low <= high:
            raise EngineError(f'expected 1 image or more at once, got {low} to {high}')
        for value, known in (
            (self.precision, PRECISIONS),
            (self.trt_variant, ('auto', *TRT_VARIANTS)),
        ):
            if value not in known:
                raise EngineError(f'expected one of {", ".join(known)}, got {value!r}')
        if self.device != CURRENT:
            object.__setattr__(self, 'device', parse_capability(self.device))

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        content = asdict(self)
        content['graph'] = str(self.graph)
        content['weights'] = [str(path) for path in self.weights]
        content['images'] = list(self.images)
        content['cache'] = None if self.cache is None else str(self.cache)
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> BuildRequest:
        """Read what as_json gave."""
        cache = content['cache']
        return cls(
            graph=Path(content['graph']),
            weights=tuple(Path(path) for path in content['weights']),
            precision=content['precision'],
            images=(content['images'][0], content['images'][1]),
            name=content['name'],
            device=content['device'],
            trt_variant=content['trt_variant'],
            options=BuildOptions(**content['options']),
            cache=None if cache is None else Path(cache),
            limit_bytes=content['limit_bytes'],
        )


@dataclass(frozen=True)
class Target:
    """What builds, and for which GPU."""

    trt_variant: TrtVariant
    gpu: Gpu


def find_target(request: BuildRequest) -> Target:
    """
    Find the TensorRT and the GPU that a request is for.

    :raises EngineError: One of them is missing.
    """
    ahead = request.device != CURRENT
    trt_variant = find_trt_variant(request.trt_variant, builds_ahead=ahead)
    return Target(trt_variant, Gpu(request.device) if ahead else current_gpu())
