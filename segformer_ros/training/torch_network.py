# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network in torch as one to be evaluated: while it is trained, or from a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
from segformer_ros.checkpoints import source
from segformer_ros.checkpoints.classes import check_label_images, class_table
from segformer_ros.checkpoints.formats.base import Options
from segformer_ros.checkpoints.model import has_heads
from segformer_ros.evaluation.network import FloatArray, Image, NetworkFacts, Outputs
from segformer_ros.export.finished_network import FinishedNetwork
from segformer_ros.inference.denormals import denormals_as_zero
from segformer_ros.labels import LabelClass
from segformer_ros.network import depth_is_log, MultitaskSegformer
from segformer_ros.network.checkpoint import CheckpointError
from segformer_ros.network.glpn_head import SCALE
from segformer_ros.network.normalization import MEAN, STD
from segformer_ros.training.baselines import is_baseline, load_baseline
import torch
from torch import nn, Tensor
from torch.nn import functional


class TorchNetwork:
    """
    A module whose forward(image) gives 'logits' and 'depth', in evaluation mode while it infers.

    The mode that the module was in is restored after every image. On a CPU finished weights can be
    computed in another form, several times as fast and within 1e-4: see FinishedNetwork.
    """

    at_once = 1
    """torch has all CPUs at work on one image."""

    def __init__(
        self,
        module: nn.Module,
        facts: NetworkFacts,
        *,
        mean: Sequence[float] = MEAN,
        std: Sequence[float] = STD,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        finished: bool = False,
    ) -> None:
        """
        Take a module as it is.

        :param module: Its outputs are as those of MultitaskSegformer.
        :param facts: As network_facts gives them.
        :param device: Where its weights are; None: where its first parameter is.
        :param dtype: Of autocast, such as torch.bfloat16; None: float32.
        :param finished: The weights do not change as long as this is used, so that they may be
            computed as FinishedNetwork does it: those of SegFormer, in float32, on a CPU.
        """
        self._module, self._facts = module, facts
        self._device = torch.device(device or next(module.parameters()).device)
        self._dtype = dtype
        self._finished: FinishedNetwork | None = None
        plain = self._device.type == 'cpu' and dtype is None
        if finished and plain and isinstance(module, MultitaskSegformer):
            self._finished = FinishedNetwork(module)
        self._mean = torch.tensor(mean, dtype=torch.float64)[:, None, None]
        self._std = torch.tensor(std, dtype=torch.float64)[:, None, None]

    @classmethod
    @denormals_as_zero()  # also in torch's own threads, which start here
    def load(
        cls,
        checkpoint: str | Path,
        *,
        label_set: str | None = None,
        device: torch.device | str | None = None,
        finished: bool = True,
    ) -> TorchNetwork:
        """
        Load a checkpoint of any format.

        :param checkpoint: A file, a folder, or hf://org/name.
        :param label_set: Of its channels, where the file does not say.
        :param device: None: a GPU where there is one.
        :param finished: False: compute it with the module that was trained, in torch.
        :raises CheckpointError: It is missing, damaged, unsafe, of another format, or an encoder.
        """
        device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
        if is_baseline(checkpoint):
            return cls._load_baseline(Path(checkpoint), device)
        model = source.read(checkpoint, options=Options(label_set=label_set))
        if not has_heads(model.config):
            raise CheckpointError(
                f'{checkpoint} is an encoder: expected a network with a segmentation or depth head'
            )
        module = model.build()
        assert isinstance(module, MultitaskSegformer)
        classes: tuple[LabelClass, ...] = ()
        named = ''
        if module.segmentation_head is not None:
            check_label_images(module.config.num_classes)
            named, classes = class_table(model.facts, module.config.num_classes)
        facts = replace(
            network_facts(module, classes, named, model.facts.get('focal_length_px')),
            name=Path(str(checkpoint)).name,
        )
        mean, std = model.facts.get('mean') or MEAN, model.facts.get('std') or STD
        module.to(device)
        return cls(module, facts, mean=mean, std=std, device=device, finished=finished)

    @classmethod
    def _load_baseline(cls, path: Path, device: torch.device | str) -> TorchNetwork:
        module, known = load_baseline(path)
        check_label_images(module.config.num_classes)
        label_set, classes = class_table(known, module.config.num_classes)
        facts = NetworkFacts(path.name, classes, label_set)
        mean, std = known.get('mean') or MEAN, known.get('std') or STD
        return cls(module.to(device), facts, mean=mean, std=std, device=device)

    @property
    def facts(self) -> NetworkFacts:
        """Return what must be known of it."""
        return self._facts

    @property
    def device_name(self) -> str:
        """Name the device that computes."""
        if self._device.type == 'cuda':
            return torch.cuda.get_device_name(self._device)
        return str(self._device)

    @torch.no_grad()
    def infer(self, image: Image, input_hw: tuple[int, int]) -> Outputs:
        """Compute the raw outputs for one image, as of Network."""
        with denormals_as_zero():
            planes = self._input(image, input_hw)
            found = self._compute(planes) if self._finished is None else self._finished.run(planes)
        logits, depth, scale = (found.get(name) for name in ('logits', 'depth', SCALE))
        if logits is not None and len(self._facts.classes) == 1:
            logits = torch.cat([logits, torch.zeros_like(logits)], dim=1)
        return Outputs(
            None if logits is None else _array(logits[0]),
            None if depth is None else _array(depth[0, 0]),
            None if scale is None else _array(scale[0, 0]),
        )

    def _compute(self, planes: Tensor) -> dict[str, Tensor]:
        # Module by module: a part that is frozen stays in evaluation mode.
        training = [item for item in self._module.modules() if item.training]
        self._module.eval()
        try:
            with self._autocast():
                found: dict[str, Tensor] = self._module(planes)
        finally:
            for item in training:
                item.training = True
        return found

    def _autocast(self) -> AbstractContextManager[object]:
        enabled = self._dtype is not None
        return torch.autocast(self._device.type, dtype=self._dtype, enabled=enabled)

    def _input(self, image: Image, input_hw: tuple[int, int]) -> Tensor:
        # In double precision, as the table is made that the run time normalises with.
        planes = torch.from_numpy(np.array(image.transpose(2, 0, 1), np.float64)) / 255.0
        planes = ((planes - self._mean) / self._std).float()
        bottom, right = input_hw[0] - image.shape[0], input_hw[1] - image.shape[1]
        return functional.pad(planes, (0, right, 0, bottom))[None].to(self._device)


def network_facts(
    network: MultitaskSegformer,
    classes: Sequence[LabelClass],
    label_set: str,
    focal_length_px: float | None,
) -> NetworkFacts:
    """
    Return what the evaluation must know about a network.

    :param classes: In the order of the channels.
    :param label_set: Name of the set that their ids are of.
    :param focal_length_px: Of the camera for which its depth is right; None: unknown.
    """
    config = network.config
    log = config.depth and depth_is_log(config.depth_activation)
    return NetworkFacts(
        f'segformer_{config.size}',
        tuple(classes) if config.segmentation else (),
        label_set if config.segmentation else '',
        ('log' if log else 'metric') if config.depth else None,
        focal_length_px,
    )


def _array(values: Tensor) -> FloatArray:
    array: FloatArray = values.float().cpu().numpy()
    return array
