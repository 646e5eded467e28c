# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the layers of the Mix Transformer are called in every format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
import re

from segformer_ros.checkpoints.links import layer, Link, WEIGHT_BIAS
from segformer_ros.network.mix_transformer import SIZES
from torch import Tensor

_STAGES = 4
# The last stage has a reduction of 1: nothing to reduce (section 3.1 of the paper).
_REDUCING_STAGES = 3


@dataclass(frozen=True)
class EncoderNames:
    """
    Names of the layers; {s} is the stage from 0, {n} the stage from 1, {i} the block.

    :param attention: Links query, key and value of the block with the names (ours, theirs).
    :param block_layers: From our name in a block to theirs.
    :param mlp_as_convolution: Whether fc1 and fc2 are 1x1 convolutions.
    """

    patch_projection: str
    patch_norm: str
    block: str
    stage_norm: str
    block_layers: Mapping[str, str]
    attention: Callable[[str, str], list[Link]]
    mlp_as_convolution: bool = False

    def prefixed(self, prefix: str) -> EncoderNames:
        """Return the same names behind a prefix."""
        return replace(
            self,
            patch_projection=prefix + self.patch_projection,
            patch_norm=prefix + self.patch_norm,
            block=prefix + self.block,
            stage_norm=prefix + self.stage_norm,
        )


def _query_and_joined(ours: str, theirs: str) -> list[Link]:
    return [*layer(f'{ours}.q', f'{theirs}attn.q'), *layer(f'{ours}.kv', f'{theirs}attn.kv')]


def _separate(query: str, key: str, value: str) -> Callable[[str, str], list[Link]]:
    """Link three layers: their key and value are the halves of our kv."""

    def link(ours: str, theirs: str) -> list[Link]:
        halves = [
            Link(
                (f'{ours}.kv.{leaf}',),
                (f'{theirs}{key}.{leaf}', f'{theirs}{value}.{leaf}'),
                their_shares=(1, 1),
            )
            for leaf in WEIGHT_BIAS
        ]
        return [*layer(f'{ours}.q', f'{theirs}{query}'), *halves]

    return link


def _all_in_one(ours: str, theirs: str) -> list[Link]:
    """Link one weight: query, key and value below each other, as torch's attention has them."""
    return [
        Link(
            (f'{ours}.q.{leaf}', f'{ours}.kv.{leaf}'),
            (f'{theirs}attn.attn.in_proj_{leaf}',),
            our_shares=(1, 2),
        )
        for leaf in WEIGHT_BIAS
    ]


_NVLABS_LAYERS = {
    'norm1': 'norm1',
    'attn.proj': 'attn.proj',
    'attn.sr': 'attn.sr',
    'attn.norm': 'attn.norm',
    'norm2': 'norm2',
    'mlp.fc1': 'mlp.fc1',
    'mlp.dwconv': 'mlp.dwconv.dwconv',
    'mlp.fc2': 'mlp.fc2',
}

NVLABS = EncoderNames(
    patch_projection='patch_embed{n}.proj',
    patch_norm='patch_embed{n}.norm',
    block='block{n}.{i}.',
    stage_norm='norm{n}',
    block_layers=_NVLABS_LAYERS,
    attention=_query_and_joined,
)

SEGFORMER3D = EncoderNames(
    patch_projection='stages.{s}.patch_embed.proj',
    patch_norm='stages.{s}.patch_embed.norm',
    block='stages.{s}.blocks.{i}.',
    stage_norm='stages.{s}.norm',
    block_layers={
        **_NVLABS_LAYERS,
        'mlp.fc1': 'ffn.fc1',
        'mlp.dwconv': 'ffn.conv',
        'mlp.fc2': 'ffn.fc2',
    },
    attention=_query_and_joined,
)

MMSEG = EncoderNames(
    patch_projection='layers.{s}.0.projection',
    patch_norm='layers.{s}.0.norm',
    block='layers.{s}.1.{i}.',
    stage_norm='layers.{s}.2',
    block_layers={
        'norm1': 'norm1',
        'attn.proj': 'attn.attn.out_proj',
        'attn.sr': 'attn.sr',
        'attn.norm': 'attn.norm',
        'norm2': 'norm2',
        'mlp.fc1': 'ffn.layers.0',
        'mlp.dwconv': 'ffn.layers.1',
        'mlp.fc2': 'ffn.layers.4',
    },
    attention=_all_in_one,
    mlp_as_convolution=True,
)

HUGGING_FACE = EncoderNames(
    patch_projection='encoder.patch_embeddings.{s}.proj',
    patch_norm='encoder.patch_embeddings.{s}.layer_norm',
    block='encoder.block.{s}.{i}.',
    stage_norm='encoder.layer_norm.{s}',
    block_layers={
        'norm1': 'layer_norm_1',
        'attn.proj': 'attention.output.dense',
        'attn.sr': 'attention.self.sr',
        'attn.norm': 'attention.self.layer_norm',
        'norm2': 'layer_norm_2',
        'mlp.fc1': 'mlp.dense1',
        'mlp.dwconv': 'mlp.dwconv.dwconv',
        'mlp.fc2': 'mlp.dense2',
    },
    attention=_separate('attention.self.query', 'attention.self.key', 'attention.self.value'),
)
"""Of every file that transformers writes, up to version 5.14 at least."""

HUGGING_FACE_MODULES = EncoderNames(
    patch_projection='stages.{s}.patch_embeddings.proj',
    patch_norm='stages.{s}.patch_embeddings.layer_norm',
    block='stages.{s}.blocks.{i}.',
    stage_norm='stages.{s}.layer_norm',
    block_layers={
        'norm1': 'layernorm_before',
        'attn.proj': 'attention.o_proj',
        'attn.sr': 'attention.sequence_reduction.sequence_reduction',
        'attn.norm': 'attention.sequence_reduction.layer_norm',
        'norm2': 'layernorm_after',
        'mlp.fc1': 'mlp.fc1',
        'mlp.dwconv': 'mlp.dwconv.dwconv',
        'mlp.fc2': 'mlp.fc2',
    },
    attention=_separate('attention.q_proj', 'attention.k_proj', 'attention.v_proj'),
)
"""Of the modules of transformers 5: what torch.save(model.state_dict()) writes there."""


def encoder_links(size: str, names: EncoderNames) -> list[Link]:
    """Link every weight of an encoder of a size."""
    links = []
    for stage, depth in enumerate(SIZES[size].depths):
        number = {'s': stage, 'n': stage + 1}
        ours = f'encoder.stages.{stage}'
        links += layer(f'{ours}.patch_embed.proj', names.patch_projection.format(**number))
        links += layer(f'{ours}.patch_embed.norm', names.patch_norm.format(**number))
        links += layer(f'{ours}.norm', names.stage_norm.format(**number))
        for index in range(depth):
            theirs = names.block.format(i=index, **number)
            links += _block(names, f'{ours}.blocks.{index}', theirs, stage < _REDUCING_STAGES)
    return links


def _block(names: EncoderNames, ours: str, theirs: str, reduces: bool) -> list[Link]:
    links = names.attention(f'{ours}.attn', theirs)
    for mine, other in names.block_layers.items():
        if reduces or mine not in {'attn.sr', 'attn.norm'}:
            flat = names.mlp_as_convolution and mine in {'mlp.fc1', 'mlp.fc2'}
            links += layer(f'{ours}.{mine}', f'{theirs}{other}', as_convolution=flat)
    return links


def find_size(tensors: Mapping[str, Tensor], names: EncoderNames) -> str | None:
    """Find the size by widths and depths: the nearest where none fits, None without a block."""
    depths = [_depth(tensors, names, stage) for stage in range(_STAGES)]
    widths = [
        _width(tensors, f'{names.patch_projection.format(s=stage, n=stage + 1)}.weight')
        for stage in range(_STAGES)
    ]
    if not any(depths):
        return None

    def distance(size: str) -> int:
        wanted = (*SIZES[size].embed_dims, *SIZES[size].depths)
        return sum(a != b for a, b in zip(wanted, (*widths, *depths), strict=True))

    return min(SIZES, key=distance)


def _width(tensors: Mapping[str, Tensor], name: str) -> int | None:
    return tensors[name].shape[0] if name in tensors and tensors[name].ndim else None


def _depth(tensors: Iterable[str], names: EncoderNames, stage: int) -> int:
    before, after = names.block.format(s=stage, n=stage + 1, i='#').split('#')
    pattern = re.compile(rf'{re.escape(before)}(\d+){re.escape(after)}')
    return len({found[1] for name in tensors if (found := pattern.match(name))})
