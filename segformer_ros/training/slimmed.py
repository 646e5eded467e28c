# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A slimmer network that starts from a trained one and computes nearly the same.

Keys are reduced further by the mean of what the trained reduction gives. Of hidden channels, in a
Mix-FFN or in the head for labels, those are kept from which the layer behind them can be computed
best, as seen on some images; it is fitted to them by least squares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from segformer_ros.checkpoints.model import has_heads, Model
from segformer_ros.network import MultitaskSegformer
from segformer_ros.network.mix_transformer import to_tokens
import torch
from torch import nn, Tensor

_TOKENS = 4096
_RIDGE = 1e-6
_HEAD = 'segmentation_head.'


def slim(
    model: Model, network: MultitaskSegformer, images: Callable[[], Tensor] | None
) -> dict[str, Tensor]:
    """
    Make of trained weights those of a slimmer network, for the layers whose shapes differ.

    :param model: The trained network.
    :param network: The slimmer one; not changed.
    :param images: Gives (N, 3, H, W) normalised images, where channels have to be chosen; None:
        they are not.
    :returns: Weights by name; none where the two do not differ in such a way.
    """
    found, fresh = model.tensors, network.state_dict()
    made = _reductions(found, fresh)
    layers = [name for name in found if name.endswith('mlp.fc2.weight')]
    layers += [f'{_HEAD}classifier.weight'] * (f'{_HEAD}linear_fuse.weight' in found)
    narrower = [
        name.removesuffix('.weight')
        for name in layers
        if name in fresh and fresh[name].shape[1] < found[name].shape[1]
    ]
    if not narrower or images is None or not has_heads(model.config):
        return made
    statistics = _observe(model.build(), narrower, images())
    for name in narrower:
        count = fresh[f'{name}.weight'].shape[1]
        kept, weight, bias = fit_fewer(
            found[f'{name}.weight'].flatten(1), found[f'{name}.bias'], *statistics[name], count
        )
        made[f'{name}.weight'] = weight.reshape(len(weight), *fresh[f'{name}.weight'].shape[1:])
        made[f'{name}.bias'] = bias
        before = _head(found, kept) if name.startswith(_HEAD) else _feed_forward(found, name, kept)
        made |= before
    return made


def _reductions(found: Mapping[str, Tensor], fresh: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Let each larger reduction give the mean of the smaller one over what it covers."""
    made = {}
    for name, weight in found.items():
        if name.endswith('attn.sr.weight') and name in fresh:
            times, rest = divmod(fresh[name].shape[-1], weight.shape[-1])
            if times > 1 and not rest:
                made[name] = weight.repeat(1, 1, times, times) / times**2
    return made


def _observe(
    network: nn.Module, layers: list[str], images: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """Return mean (C,) and covariance (C, C) of what goes into some layers, in float64."""
    seen: dict[str, list[Tensor]] = {name: [] for name in layers}
    with _hooks(network, seen), torch.no_grad():
        for image in images:
            network.eval()(image[None], ['segmentation'])
    joined = {name: torch.cat(parts).double() for name, parts in seen.items()}
    return {name: (values.mean(0), values.T.cov()) for name, values in joined.items()}


@contextmanager
def _hooks(network: nn.Module, seen: Mapping[str, list[Tensor]]) -> Iterator[None]:
    def keep(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            values = to_tokens(inputs[0]) if inputs[0].dim() == 4 else inputs[0]
            rows = values.flatten(0, 1)
            seen[name].append(rows[:: max(1, len(rows) // _TOKENS)])

        return hook

    handles = [network.get_submodule(name).register_forward_pre_hook(keep(name)) for name in seen]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def fit_fewer(
    weight: Tensor, bias: Tensor, mean: Tensor, covariance: Tensor, count: int
) -> tuple[Tensor, Tensor, Tensor]:
    """
    Choose so many inputs of a linear layer, and fit the layer to them by least squares.

    One after the other, that input is taken which explains most of the outputs' variance that
    those before it have left.

    :param weight: (outputs, inputs); bias (outputs,).
    :param mean: (inputs,) float64 of the inputs; covariance (inputs, inputs).
    :returns: The inputs in ascending order, their weight (outputs, count) and the bias.
    """
    wide = weight.double()
    rest = covariance + _RIDGE * covariance.diagonal().mean() * torch.eye(len(covariance))
    covariance, chosen = rest.clone(), torch.zeros(len(rest), dtype=torch.bool)
    for _ in range(count):
        variance = rest.diagonal().clamp_min(torch.finfo(rest.dtype).tiny)
        gain = (wide @ rest).square().sum(0) / variance
        best = int(gain.masked_fill(chosen, -1.0).argmax())
        chosen[best] = True
        rest = rest - torch.outer(rest[:, best], rest[best]) / variance[best]
    kept = chosen.nonzero()[:, 0]
    part = covariance[kept]
    fitted = torch.linalg.solve(part[:, kept], part @ wide.T).T
    shifted = bias.double() + wide @ mean - fitted @ mean[kept]
    return kept, fitted.to(weight.dtype), shifted.to(bias.dtype)


def _feed_forward(found: Mapping[str, Tensor], layer: str, kept: Tensor) -> dict[str, Tensor]:
    names = (
        f'{layer.removesuffix("fc2")}{part}.{leaf}'
        for part in ('fc1', 'dwconv')
        for leaf in ('weight', 'bias')
    )
    return {name: found[name][kept] for name in names}


def _head(found: Mapping[str, Tensor], kept: Tensor) -> dict[str, Tensor]:
    """Keep channels of the fused map: each stage is projected to them, and fusing only sums."""
    made = {
        f'{_HEAD}batch_norm.{leaf}': found[f'{_HEAD}batch_norm.{leaf}'][kept]
        for leaf in ('weight', 'bias', 'running_mean', 'running_var')
    }
    fuse = found[f'{_HEAD}linear_fuse.weight'].flatten(1)
    parts = reversed(torch.split(fuse, len(fuse), dim=1))
    for index, part in enumerate(parts):
        for leaf in ('weight', 'bias'):
            name = f'{_HEAD}linear_c.{index}.{leaf}'
            made[name] = (part @ found[name])[kept]
    one = torch.eye(len(kept), dtype=fuse.dtype)
    made[f'{_HEAD}linear_fuse.weight'] = one.repeat(1, 4)[..., None, None]
    return made
