# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Other networks for labels, to compare with: trained and measured by the same commands.

They are those of segmentation-models-pytorch (extra 'baselines'): U-Net, DeepLabV3+, PSPNet,
UPerNet and others, on any encoder that it knows, such as 'resnet50', 'tu-convnext_tiny' or
'tu-swin_tiny_patch4_window7_224'.
"""

from __future__ import annotations

from dataclasses import dataclass
import importlib
from pathlib import Path
from typing import Any

from safetensors import safe_open, SafetensorError
from segformer_ros.network.checkpoint import CheckpointError, read
from segformer_ros.network.multitask import crop, pad_to_stride
from torch import nn, Tensor

FACT = 'baseline'
"""The fact by which files of baselines are known: the fields of BaselineConfig."""
_SWIN = 'swin'
_SWIN_SIZE = 224


@dataclass(frozen=True)
class BaselineConfig:
    """
    Everything that makes the shape of a baseline.

    :param baseline: The architecture, 'unet', 'deeplabv3plus', 'pspnet', 'upernet' or another
        one of segmentation-models-pytorch.
    :param encoder: By its name there; those of timm begin with 'tu-'.
    :param encoder_weights: Where training starts from, such as 'imagenet', which is downloaded;
        None: drawn at random.
    """

    baseline: str
    num_classes: int
    encoder: str = 'resnet18'
    encoder_weights: str | None = None


class Baseline(nn.Module):
    """A network of segmentation-models-pytorch with the inputs and outputs of ours."""

    def __init__(self, network: nn.Module, config: BaselineConfig) -> None:
        """
        Wrap a network, without the upsampling that ends some of them.

        :param network: As create_model of segmentation-models-pytorch makes it.
        """
        super().__init__()
        self.config = config
        self.network = network
        # What is left out is bilinear, as the loss and the evaluation do it in one step.
        head = network.get_submodule('segmentation_head')
        for name, item in head.named_children():
            if isinstance(item, nn.Upsample):
                setattr(head, name, nn.Identity())

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """
        Compute the logits.

        :param image: (N, 3, H, W) normalised RGB of any size.
        :returns: 'logits' (N, num_classes, ceil(H/s), ceil(W/s)), s being the stride of the
            architecture: 1 for U-Net, 4 for DeepLabV3+ and UPerNet, 8 for PSPNet.
        """
        height, width = image.shape[-2:]
        padded = pad_to_stride(image)
        logits = self.network(padded)
        stride = padded.shape[-1] // logits.shape[-1]
        return {'logits': crop(logits, height, width, stride)}


def build_baseline(config: BaselineConfig) -> Baseline:
    """
    Make a network to compare with.

    A recipe names it as `network: {baseline: unet, encoder: resnet18}`.

    :raises ModuleNotFoundError: segmentation-models-pytorch is not installed.
    :raises ValueError: It does not know the architecture or the encoder.
    """
    library = importlib.import_module('segmentation_models_pytorch')
    options: dict[str, Any] = {}
    if _SWIN in config.encoder:
        # Its windows are laid out for a size, and for other sizes again.
        options = {'img_size': (_SWIN_SIZE, _SWIN_SIZE), 'strict_img_size': False}
    try:
        network = library.create_model(
            config.baseline,
            encoder_name=config.encoder,
            encoder_weights=config.encoder_weights,
            classes=config.num_classes,
            **options,
        )
    except (KeyError, RuntimeError) as error:
        text = ' '.join(str(error.args[0] if error.args else error).split())[:300]
        raise ValueError(
            f'no baseline {config.baseline!r} with the encoder {config.encoder!r}: {text}'
        ) from error
    return Baseline(network, config)


def is_baseline(path: str | Path) -> bool:
    """Return whether a file holds the weights of a baseline that was trained here."""
    if not Path(path).is_file() or Path(path).suffix != '.safetensors':
        return False
    try:
        with safe_open(path, framework='pt') as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError):
        return False
    return f'"{FACT}": {{' in metadata.get('segformer_ros', '')


def load_baseline(path: Path) -> tuple[Baseline, dict[str, Any]]:
    """
    Read the weights of a baseline that was trained here; nothing is downloaded.

    :returns: The network in evaluation mode, and the facts of the file.
    :raises CheckpointError: The file is missing, damaged or of another network.
    :raises ModuleNotFoundError: segmentation-models-pytorch is not installed.
    """
    tensors, facts = read(path)
    described = facts.get(FACT)
    if not isinstance(described, dict):
        raise CheckpointError(f'{path} holds no baseline: expected the checkpoint of a training')
    try:
        network = build_baseline(BaselineConfig(**{**described, 'encoder_weights': None}))
        network.load_state_dict(tensors)
    except (TypeError, ValueError, RuntimeError) as error:
        text = ' '.join(str(error).split())[:200]
        raise CheckpointError(f'{path} does not hold the baseline it describes: {text}') from error
    return network.eval(), facts
