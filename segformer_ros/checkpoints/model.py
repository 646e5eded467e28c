# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint in our own terms, whatever file it came from: shape, weights, facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
import hashlib
from pathlib import Path
from typing import Any

from segformer_ros.network import MultitaskSegformer, NetworkConfig
from segformer_ros.network.checkpoint import CheckpointError
from segformer_ros.network.classifier import MixTransformerClassifier
from segformer_ros.network.mix_transformer import make_encoder, MLP_RATIOS, SR_RATIOS
from segformer_ros.network.mlp_depth_head import MlpDepthHead
import torch
from torch import nn, Tensor

PARTS = ('encoder', 'segmentation', 'depth')
_COUNTER = 'num_batches_tracked'
_OF_SEGMENTATION = ('label_set', 'classes', 'class_names', 'do_reduce_labels')


@dataclass(frozen=True)
class Model:
    """
    One checkpoint.

    :param config: Where segmentation and depth are both off it is an encoder, with the linear
        head of its pre-training when num_classes is not 0.
    :param tensors: Weights under the names of our modules, float32.
    :param facts: What the file says next to its weights; the keys are in docs/checkpoints.md.
    :param format: Layout that it was read from.
    :param notes: Sentences that a person who converts it should read.
    :param path: The file or folder that it was read from.
    """

    config: NetworkConfig
    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]
    format: str
    notes: tuple[str, ...] = ()
    path: Path = field(default_factory=Path)

    def build(self) -> nn.Module:
        """
        Make the module in evaluation mode, with these weights.

        :raises CheckpointError: They are not the weights of its configuration.
        """
        module = skeleton(self.config)
        types = {name: value.dtype for name, value in module.state_dict().items()}
        copies = {n: v.to(types.get(n), copy=True) for n, v in self.tensors.items()}
        try:
            # Not to_empty, for which torch 2.13 imports sympy.
            module.load_state_dict(copies, assign=True)
        except RuntimeError as error:
            text = ' '.join(str(error).split())[:200]
            raise CheckpointError(f'{self.path} lacks a part of its network: {text}') from error
        return module.eval()

    def check(self) -> None:
        """
        Hold the weights against the configuration.

        :raises CheckpointError: One is missing, left over, or of another shape or kind.
        """
        expected = skeleton(self.config).state_dict()
        different = sorted(set(expected) ^ set(self.tensors))
        if different:
            raise CheckpointError(
                f'{self.path} does not hold the weights of a {describe(self.config)}: '
                f'{", ".join(different[:3])} (our names) missing or left over'
            )
        for name, value in expected.items():
            found = self.tensors[name]
            if found.shape != value.shape:
                raise CheckpointError(
                    f'{self.path}: {name} (our name) has the shape {tuple(found.shape)}, a '
                    f'{describe(self.config)} needs {tuple(value.shape)}'
                )
            if found.is_floating_point() != value.is_floating_point():
                raise CheckpointError(
                    f'{self.path}: {name} (our name) holds {str(found.dtype)[6:]}, expected '
                    f'{str(value.dtype)[6:]}: quantised weights are not read'
                )


def has_heads(config: NetworkConfig) -> bool:
    """Return whether it has a head; a mere encoder has none."""
    return config.segmentation or config.depth


def has_published_ratios(config: NetworkConfig) -> bool:
    """Return whether the encoder has a published shape, not one of this package alone."""
    return (config.sr_ratios, config.mlp_ratios) == (SR_RATIOS, MLP_RATIOS)


def describe(config: NetworkConfig) -> str:
    """Describe in a few words what a network is."""
    size = config.size.upper()
    if not has_published_ratios(config):
        size += f' (sr_ratios {list(config.sr_ratios)}, mlp_ratios {list(config.mlp_ratios)})'
    if not has_heads(config):
        head = f'a classification head of {config.num_classes} classes' * bool(config.num_classes)
        return f'{size} encoder{" with " * bool(head)}{head}'
    parts = []
    if config.segmentation:
        parts.append(f'{config.segmentation_head} head of {config.num_classes} classes')
    if config.depth:
        scale = ' with its scale' * config.depth_scale
        parts.append(f'{config.depth_head} depth head ({config.depth_activation}){scale}')
    if config.auxiliary_head:
        parts.append('auxiliary head')
    return f'{size} with {", ".join(parts)}'


class _Encoder(nn.Module):
    """An encoder under the name that it has in every network."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder


def skeleton(config: NetworkConfig) -> nn.Module:
    """
    Make the module of a configuration on the device meta: shapes without weights.

    :raises CheckpointError: A value of the configuration is unknown.
    """
    eps: dict[str, Any] = {
        'norm_eps': config.norm_eps,
        'embed_norm_eps': config.embed_norm_eps,
    }
    ratios: dict[str, Any] = {'sr_ratios': config.sr_ratios, 'mlp_ratios': config.mlp_ratios}
    try:
        with torch.device('meta'):
            if has_heads(config):
                module: nn.Module = MultitaskSegformer(config)
            elif config.num_classes:
                module = MixTransformerClassifier(config.size, config.num_classes, **eps)
            else:
                module = _Encoder(make_encoder(config.size, **ratios, **eps))
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    return module


@torch.no_grad()
def run(module: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """
    Compute every output of a module that Model.build made.

    :param image: (N, 3, H, W) normalised, H and W multiples of 32.
    :returns: 'logits', 'depth', 'depth_scale' and 'auxiliary' as far as it has them; of an
        encoder without a head its four stages.
    """
    if isinstance(module, MultitaskSegformer):
        outputs = module(image)
        if module.auxiliary_head is not None:
            outputs['auxiliary'] = module.auxiliary_head(module.encoder(image)[2])
        return dict(outputs)
    if isinstance(module, MixTransformerClassifier):
        return {'logits': module(image)}
    stages = module.get_submodule('encoder')(image)
    return {f'stage {number}': stage for number, stage in enumerate(stages, 1)}


@torch.no_grad()
def run_as_published(module: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """Compute the same with the MLP heads in the order of their papers: join, then fuse."""
    outputs = run(module, image)
    if isinstance(module, MultitaskSegformer):
        features = module.encoder(image)
        if module.segmentation_head is not None:
            outputs['logits'] = module.segmentation_head.forward_as_published(features)
        if isinstance(module.depth_head, MlpDepthHead):
            outputs['depth'] = module.depth_head.forward_as_published(features)
    return outputs


def only(model: Model, part: str) -> Model:
    """
    Keep one part of a network.

    :param part: One of PARTS; 'segmentation' and 'depth' keep the encoder too, but not the
        auxiliary head.
    :raises CheckpointError: The network has no such part.
    """
    if part != 'encoder' and not getattr(model.config, part):
        raise CheckpointError(f'{model.path} is a {describe(model.config)}: it has no {part} head')
    config = replace(
        model.config,
        segmentation=part == 'segmentation',
        depth=part == 'depth',
        auxiliary_head=False,
        depth_scale=model.config.depth_scale and part == 'depth',
        num_classes=0 if part == 'encoder' else model.config.num_classes,
    )
    prefixes = ('encoder.', f'{part}_head.')
    tensors = {name: item for name, item in model.tensors.items() if name.startswith(prefixes)}
    facts = {**model.facts, 'network': network_facts(config)}
    for name in () if part == 'segmentation' else _OF_SEGMENTATION:
        facts.pop(name, None)
    return replace(model, config=config, tensors=tensors, facts=facts)


def network_facts(config: NetworkConfig) -> dict[str, Any]:
    """Return the configuration as the fact 'network'."""
    return asdict(config)


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Return the sha256 of names and values: facts that carry it belong to these weights."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        if not name.endswith(_COUNTER):
            digest.update(name.encode())
            digest.update(tensors[name].detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
