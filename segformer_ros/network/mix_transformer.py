# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mix Transformer encoder (Xie et al. 2021, arXiv:2105.15203, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn, Tensor
from torch.nn import functional

PATCH_SIZES = (7, 3, 3, 3)
STRIDES = (4, 2, 2, 2)
TOTAL_STRIDE = 32
SR_RATIOS = (8, 4, 2, 1)
MLP_RATIOS = (4, 4, 4, 4)


@dataclass(frozen=True)
class EncoderSize:
    """The published widths and depths of one encoder (table 6 of the paper)."""

    embed_dims: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    decoder_dim: int


SIZES: dict[str, EncoderSize] = {
    'b0': EncoderSize((32, 64, 160, 256), (2, 2, 2, 2), 256),
    'b1': EncoderSize((64, 128, 320, 512), (2, 2, 2, 2), 256),
    'b2': EncoderSize((64, 128, 320, 512), (3, 4, 6, 3), 768),
    'b3': EncoderSize((64, 128, 320, 512), (3, 4, 18, 3), 768),
    'b4': EncoderSize((64, 128, 320, 512), (3, 8, 27, 3), 768),
    'b5': EncoderSize((64, 128, 320, 512), (3, 6, 40, 3), 768),
}

EPS_PROFILES: dict[str, tuple[float, float]] = {
    'hugging_face': (1e-5, 1e-5),
    'nvlabs': (1e-6, 1e-5),
    'segformer3d': (1e-6, 1e-5),
    'mmseg': (1e-6, 1e-6),
}
"""By whose code computes: norm_eps and embed_norm_eps of every size."""


def to_tokens(x: Tensor) -> Tensor:
    """Turn (N, C, H, W) into (N, H*W, C)."""
    return x.flatten(2).transpose(1, 2)


def to_map(x: Tensor, height: int, width: int) -> Tensor:
    """Turn (N, H*W, C) into (N, C, H, W)."""
    count, _, channels = x.shape
    return x.transpose(1, 2).reshape(count, channels, height, width)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """
    Compute softmax(query key^T / sqrt(D)) value.

    Spelled out on a CPU: there the fused kernel of torch 2.13 trains the whole network 1.3 to
    1.5 times slower.
    """
    if query.is_cuda:
        return functional.scaled_dot_product_attention(query, key, value)
    scale = query.shape[-1] ** -0.5
    weights: Tensor = (query @ (key.transpose(-2, -1) * scale)).softmax(dim=-1)
    return weights @ value


class DropPath(nn.Module):
    """Drop the residual branch of whole samples (stochastic depth, arXiv:1603.09382)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, ...) with some samples zeroed and the others scaled up, in training only."""
        if not self.training or self.rate == 0.0:
            return x
        keep = 1.0 - self.rate
        mask = torch.rand(x.shape[0], *[1] * (x.ndim - 1), device=x.device) < keep
        return x * (mask.to(x.dtype) / keep)


class OverlapPatchEmbed(nn.Module):
    """Merge overlapping patches with a strided convolution (section 3.1)."""

    def __init__(
        self, in_chans: int, embed_dim: int, patch_size: int, stride: int, norm_eps: float
    ) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_chans, embed_dim, patch_size, stride, patch_size // 2)
        self.norm = nn.LayerNorm(embed_dim, eps=norm_eps)

    def forward(self, x: Tensor) -> tuple[Tensor, int, int]:
        """Turn (N, C, H, W) into tokens (N, h*w, D), and give h and w."""
        x = self.proj(x)
        height, width = x.shape[-2:]
        return self.norm(to_tokens(x)), height, width


def pad_for_reduction(x: Tensor, sr_ratio: int) -> Tensor:
    """
    Repeat the last row and column of (N, C, H, W) up to multiples of sr_ratio.

    A convolution leaves out what does not fill a patch. The published networks do so; their ratios
    leave no rest of an image that is padded to multiples of 32, but larger ones would.
    """
    bottom, right = -x.shape[2] % sr_ratio, -x.shape[3] % sr_ratio
    return functional.pad(x, (0, right, 0, bottom), 'replicate') if bottom or right else x


class EfficientSelfAttention(nn.Module):
    """
    Attend to a map of keys and values reduced sr_ratio times per side (eq. 2).

    :ivar pads: Whether a rest that does not fill a patch is padded rather than left out.
    """

    pads = False

    def __init__(self, dim: int, num_heads: int, sr_ratio: int, norm_eps: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.sr_ratio = sr_ratio
        self.q = nn.Linear(dim, dim)
        self.kv = nn.Linear(dim, 2 * dim)
        self.proj = nn.Linear(dim, dim)
        if sr_ratio > 1:
            self.sr = nn.Conv2d(dim, dim, sr_ratio, sr_ratio)
            self.norm = nn.LayerNorm(dim, eps=norm_eps)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """Turn tokens (N, h*w, D) into tokens of the same shape."""
        query = self._queries(x)
        key, value = self._keys_and_values(x, height, width)
        x = attend(query, key, value).transpose(1, 2).flatten(2)
        result: Tensor = self.proj(x)
        return result

    def attention_weights(self, x: Tensor, height: int, width: int, token: int) -> Tensor:
        """
        Compute what one token attends to, which forward does not keep.

        :param x: What forward gets.
        :param token: Its number, row by row.
        :returns: (N, num_heads, keys), the share of each key; each head sums to 1.
        """
        query = self._queries(x[:, token : token + 1])
        key, _ = self._keys_and_values(x, height, width)
        scale = query.shape[-1] ** -0.5
        shares: Tensor = (query @ (key.transpose(-2, -1) * scale)).softmax(dim=-1)[:, :, 0]
        return shares

    def _queries(self, x: Tensor) -> Tensor:
        heads = (self.num_heads, x.shape[-1] // self.num_heads)
        query: Tensor = self.q(x).unflatten(2, heads).transpose(1, 2)
        return query

    def _keys_and_values(self, x: Tensor, height: int, width: int) -> tuple[Tensor, ...]:
        if self.sr_ratio > 1:
            reduced = to_map(x, height, width)
            if self.pads:
                reduced = pad_for_reduction(reduced, self.sr_ratio)
            x = self.norm(to_tokens(self.sr(reduced)))
        heads = (self.num_heads, x.shape[-1] // self.num_heads)
        both: Tensor = self.kv(x).unflatten(2, (2, *heads))
        return both.permute(2, 0, 3, 1, 4).unbind(0)


class MixFFN(nn.Module):
    """Feed forward with a 3x3 depthwise convolution instead of position codes (eq. 3)."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.dwconv = nn.Conv2d(hidden_dim, hidden_dim, 3, padding=1, groups=hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """Turn tokens (N, h*w, D) into tokens of the same shape."""
        x = self.dwconv(to_map(self.fc1(x), height, width))
        result: Tensor = self.fc2(functional.gelu(to_tokens(x)))
        return result


class Block(nn.Module):
    """One transformer block."""

    def __init__(
        self,
        dim: int,
        num_heads: int,
        sr_ratio: int,
        mlp_ratio: int,
        drop_path: float,
        norm_eps: float,
        embed_norm_eps: float,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=norm_eps)
        self.attn = EfficientSelfAttention(dim, num_heads, sr_ratio, embed_norm_eps)
        self.norm2 = nn.LayerNorm(dim, eps=norm_eps)
        self.mlp = MixFFN(dim, dim * mlp_ratio)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """Turn tokens (N, h*w, D) into tokens of the same shape."""
        x = x + self.drop_path(self.attn(self.norm1(x), height, width))
        x = x + self.drop_path(self.mlp(self.norm2(x), height, width))
        return x


class Stage(nn.Module):
    """Patch embedding, blocks and the norm of one resolution."""

    def __init__(
        self, patch_embed: OverlapPatchEmbed, blocks: list[Block], dim: int, norm_eps: float
    ) -> None:
        super().__init__()
        self.patch_embed = patch_embed
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim, eps=norm_eps)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, C, H, W) into (N, D, H/stride, W/stride)."""
        x, height, width = self.patch_embed(x)
        for block in self.blocks:
            x = block(x, height, width)
        return to_map(self.norm(x), height, width)


class MixTransformer(nn.Module):
    """
    Hierarchical encoder with features at strides 4, 8, 16 and 32.

    :param embed_dims: Channels of each stage.
    :param depths: Blocks of each stage.
    :param sr_ratios: Tokens per key and side, of each stage.
    :param mlp_ratios: Channels inside of each stage's Mix-FFN over those outside of it.
    :param drop_path_rate: Stochastic depth of the last block; grows linearly from 0.
    :param norm_eps: Of the LayerNorms of blocks (norm1, norm2) and of stages.
    :param embed_norm_eps: Of the LayerNorms behind patch embeddings and reduced keys; None is
        norm_eps. EPS_PROFILES has the published pairs.
    """

    def __init__(
        self,
        *,
        embed_dims: Sequence[int],
        depths: Sequence[int],
        num_heads: Sequence[int] = (1, 2, 5, 8),
        sr_ratios: Sequence[int] = SR_RATIOS,
        mlp_ratios: Sequence[int] = MLP_RATIOS,
        in_chans: int = 3,
        drop_path_rate: float = 0.0,
        norm_eps: float = 1e-5,
        embed_norm_eps: float | None = None,
    ) -> None:
        super().__init__()
        inner_eps = norm_eps if embed_norm_eps is None else embed_norm_eps
        last = max(sum(depths) - 1, 1)
        rates = iter([drop_path_rate * index / last for index in range(sum(depths))])
        stages = []
        for index, dim in enumerate(embed_dims):
            embed = OverlapPatchEmbed(in_chans, dim, PATCH_SIZES[index], STRIDES[index], inner_eps)
            block = (dim, num_heads[index], sr_ratios[index], mlp_ratios[index])
            blocks = [
                Block(*block, next(rates), norm_eps, inner_eps) for _ in range(depths[index])
            ]
            for item in blocks:
                item.attn.pads = sr_ratios[index] > SR_RATIOS[index]
            stages.append(Stage(embed, blocks, dim, norm_eps))
            in_chans = dim
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """
        Compute the features of the four stages.

        :param x: (N, 3, H, W) normalised image.
        :returns: (N, embed_dims[i], ceil(H/s), ceil(W/s)) for s = 4, 8, 16, 32.
        """
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


def make_encoder(
    size: str,
    *,
    sr_ratios: Sequence[int] = SR_RATIOS,
    mlp_ratios: Sequence[int] = MLP_RATIOS,
    drop_path_rate: float = 0.0,
    norm_eps: float = 1e-5,
    embed_norm_eps: float | None = None,
) -> MixTransformer:
    """
    Make the encoder of a published size.

    :param sr_ratios: As of MixTransformer, mlp_ratios likewise.
    :raises ValueError: The size is none of SIZES, or the ratios are not four numbers above 0.
    """
    if size not in SIZES:
        raise ValueError(f'size must be one of {", ".join(SIZES)}, not {size!r}')
    for name, ratios in (('sr_ratios', sr_ratios), ('mlp_ratios', mlp_ratios)):
        if len(ratios) != len(STRIDES) or any(type(n) is not int or n < 1 for n in ratios):
            raise ValueError(f'{name} must be four whole numbers above 0, not {list(ratios)}')
    return MixTransformer(
        embed_dims=SIZES[size].embed_dims,
        depths=SIZES[size].depths,
        sr_ratios=sr_ratios,
        mlp_ratios=mlp_ratios,
        drop_path_rate=drop_path_rate,
        norm_eps=norm_eps,
        embed_norm_eps=embed_norm_eps,
    )
