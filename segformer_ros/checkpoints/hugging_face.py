# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""config.json and preprocessor_config.json of Hugging Face, read and written."""

from __future__ import annotations

from collections.abc import Mapping
import re
from typing import Any

from segformer_ros.checkpoints.classes import class_facts
from segformer_ros.checkpoints.facts import carry, class_names, KEY
from segformer_ros.checkpoints.files import CONFIG, PROCESSOR, Raw
from segformer_ros.checkpoints.formats.base import IMAGENET
from segformer_ros.checkpoints.model import Model
from segformer_ros.network import NetworkConfig
from segformer_ros.network.checkpoint import CheckpointError
from segformer_ros.network.mix_transformer import EPS_PROFILES, SIZES

EPS = EPS_PROFILES['hugging_face']
"""transformers reads layer_norm_eps and ignores it: every LayerNorm has torch's 1e-5."""
NO_CONFIG = 'weights of Hugging Face need the config.json next to them: give the folder'

# What our encoder has and a configuration could change without changing a name or a shape.
_FIXED: Mapping[str, Any] = {
    'num_channels': 3,
    'num_encoder_blocks': 4,
    'num_attention_heads': [1, 2, 5, 8],
    'sr_ratios': [8, 4, 2, 1],
    'strides': [4, 2, 2, 2],
    'patch_sizes': [7, 3, 3, 3],
    'mlp_ratios': [4, 4, 4, 4],
    'hidden_act': 'gelu',
}
_NAMELESS = re.compile(r'LABEL_\d+')
_SIZE = {'height': 512, 'width': 512}


def number(said: Mapping[str, Any], name: str, default: float) -> float:
    """
    Read a number of a configuration.

    :raises CheckpointError: There is something else.
    """
    value = said.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise CheckpointError(f'{CONFIG} says {name} {value!r}, expected a number')
    return float(value)


def refusal(config: Mapping[str, Any] | None, kind: str) -> str | None:
    """
    Describe why a configuration is not that of a published network; None if it is.

    :param kind: The model_type that it has to have.
    """
    if config is None:
        return NO_CONFIG
    found = config.get('model_type', kind)
    if found != kind:
        return f'config.json says model_type {found!r}, expected {kind!r}'
    for name, value in _FIXED.items():
        if name in config and config[name] != value:
            return f'config.json says {name} {config[name]}, the published networks have {value}'
    return None


def read_labels(config: Mapping[str, Any], count: int, *, reduced: bool = False) -> dict[str, Any]:
    """
    Return the facts of classes from id2label.

    :param reduced: Whether the first channel is id 1 and so on, and the last one id 0: the labels
        were reduced by one in training, but not the table.
    """
    table = config.get('id2label')
    names: list[str] | None = None
    if isinstance(table, Mapping):
        known = {str(key): str(value) for key, value in table.items()}
        order = [(number + reduced) % count for number in range(count)]
        if all(str(number) in known for number in order):
            names = [known[str(number)] for number in order]
    if names is not None and all(_NAMELESS.fullmatch(name) for name in names):
        names = None
    return class_facts(names, count)


def read_input(raw: Raw) -> dict[str, Any]:
    """Return the facts 'mean' and 'std', of images of 0 to 1, and the preprocessor itself."""
    said = raw.processor
    if not said:
        return {}
    scale = 255.0 * number(said, 'rescale_factor', 1 / 255) if _is_on(said, 'rescale') else 255.0
    normalises = _is_on(said, 'normalize')
    mean = _colors(said, 'mean') if normalises else [0.0] * 3
    std = _colors(said, 'std') if normalises else [1.0] * 3
    return {
        'mean': [_tidy(value / scale) for value in mean],
        'std': [_tidy(value / scale) for value in std],
        'preprocessor': dict(said),
    }


def _colors(processor: Mapping[str, Any], name: str) -> list[float]:
    """Read one value per colour, or one for all of them."""
    value = processor.get(f'image_{name}', IMAGENET[name])
    values = list(value) if isinstance(value, (list, tuple)) else [value] * 3
    if len(values) != 3 or not all(isinstance(item, (int, float)) for item in values):
        raise CheckpointError(f'{PROCESSOR} says image_{name} {value!r}, expected three numbers')
    return [float(item) for item in values]


def _is_on(processor: Mapping[str, Any], step: str) -> bool:
    return bool(processor.get(f'do_{step}', True))


def _tidy(value: float) -> float:
    """Undo the rounding of 255 * (1 / 255)."""
    return float(f'{value:.12g}')


def encoder_config(config: NetworkConfig) -> dict[str, Any]:
    """Return what config.json says of an encoder."""
    size = SIZES[config.size]
    return {
        **_FIXED,
        'depths': list(size.depths),
        'hidden_sizes': list(size.embed_dims),
        'drop_path_rate': config.drop_path_rate,
        'hidden_dropout_prob': 0.0,
        'attention_probs_dropout_prob': 0.0,
        'initializer_range': 0.02,
        'layer_norm_eps': EPS[0],
    }


def segformer_config(model: Model, architecture: str) -> dict[str, Any]:
    """Return config.json of model_type segformer."""
    config = model.config
    labels = class_names(model)
    if labels is None:
        labels = [f'LABEL_{number}' for number in range(config.num_classes)]
    return {
        'architectures': [architecture],
        'model_type': 'segformer',
        **encoder_config(config),
        'decoder_hidden_size': config.decoder_dim or SIZES[config.size].decoder_dim,
        'classifier_dropout_prob': config.drop_rate,
        'reshape_last_stage': True,
        'semantic_loss_ignore_index': 255,
        **label_tables(labels),
        KEY: carry(model),
    }


def label_tables(labels: list[str]) -> dict[str, Any]:
    """Return id2label and its inverse; a network without classes has none."""
    if not labels:
        return {}
    return {
        'id2label': {str(number): name for number, name in enumerate(labels)},
        'label2id': {name: number for number, name in enumerate(labels)},
    }


def segformer_processor(model: Model) -> dict[str, Any]:
    """Return preprocessor_config.json: as it was read, with the normalisation of the facts."""
    facts = model.facts
    return {
        'image_processor_type': 'SegformerImageProcessor',
        'do_resize': True,
        'size': _SIZE,
        'resample': 2,
        'do_reduce_labels': bool(facts.get('do_reduce_labels', False)),
        **(facts.get('preprocessor') or {}),
        'do_rescale': True,
        'rescale_factor': 1 / 255,
        'do_normalize': True,
        'image_mean': list(facts.get('mean') or IMAGENET['mean']),
        'image_std': list(facts.get('std') or IMAGENET['std']),
    }
