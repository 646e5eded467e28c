# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The graph of Hugging Face's own package, where it is installed: an independent witness."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from segformer_ros.checkpoints.files import open_checkpoint
from segformer_ros.checkpoints.parity import Side
from segformer_ros.network import NetworkConfig
from segformer_ros.network.checkpoint import CheckpointError
from torch import nn, Tensor

FORMATS = ('hf-segformer', 'hf-glpn', 'shift')


def available(layout: str) -> bool:
    """Return whether transformers can run checkpoints of a format here."""
    return layout in FORMATS and find_spec('transformers') is not None


def open_side(folder: Path, layout: str, config: NetworkConfig) -> Side:
    """
    Load a folder with transformers.

    :param config: What the folder holds.
    :raises CheckpointError: transformers cannot load it, or finds weights missing or left over.
    """
    import transformers

    name = f'transformers {transformers.__version__}'
    if layout == 'shift':
        labels = _load('SegformerForSemanticSegmentation', folder, leftover_ok=True)
        depth = _depth_graph(folder)
        return Side(name, nn.ModuleDict({'labels': labels, 'depth': depth}).eval(), _run_shift)
    if layout == 'hf-glpn':
        return Side(name, _load('GLPNForDepthEstimation', folder), _run_depth)
    if config.segmentation:
        return Side(name, _load('SegformerForSemanticSegmentation', folder), _run_logits)
    if config.num_classes:
        return Side(name, _load('SegformerForImageClassification', folder), _run_logits)
    return Side(name, _load('SegformerModel', folder), _run_stages)


def _load(architecture: str, folder: Path, *, leftover_ok: bool = False) -> nn.Module:
    import transformers

    with _quiet():
        try:
            kind = getattr(transformers, architecture)
            module, found = kind.from_pretrained(
                str(folder), local_files_only=True, output_loading_info=True
            )
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            text = ' '.join(str(error).split())[:200]
            raise CheckpointError(f'transformers cannot load {folder}: {text}') from error
    missing, leftover = found['missing_keys'], found['unexpected_keys']
    wrong = list(missing) + list(found['mismatched_keys'])
    wrong += [] if leftover_ok else list(leftover)
    if wrong:
        raise CheckpointError(
            f'transformers loads {folder} without {", ".join(map(str, wrong[:3]))}'
        )
    graph: nn.Module = module.float().eval()
    return graph


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the progress bars and the report of loading away from ours."""
    import transformers.utils.logging

    logging: Any = transformers.utils.logging
    verbosity = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _depth_graph(folder: Path) -> nn.Module:
    """Make decoder and head of GLPN as the multitask network has them."""
    from transformers import GLPNConfig
    from transformers.models.glpn import modeling_glpn

    glpn: Any = modeling_glpn
    raw = open_checkpoint(folder)
    config = GLPNConfig(**(raw.config or {}).get('depth_config', {}))
    graph = nn.ModuleDict(
        {
            'depth_decoder': glpn.GLPNDecoder(config),
            'depth_head': glpn.GLPNDepthEstimationHead(config),
        }
    )
    graph.load_state_dict({n: item for n, item in raw.tensors.items() if n.startswith('depth_')})
    return graph


def _run_logits(module: nn.Module, image: Tensor) -> dict[str, Tensor]:
    return {'logits': module(image).logits}


def _run_stages(module: nn.Module, image: Tensor) -> dict[str, Tensor]:
    stages = module(image, output_hidden_states=True).hidden_states
    return {f'stage {number}': stage for number, stage in enumerate(stages, 1)}


def _run_depth(module: nn.Module, image: Tensor) -> dict[str, Tensor]:
    return {'depth': module(image).predicted_depth[:, None]}


def _run_shift(module: nn.Module, image: Tensor) -> dict[str, Tensor]:
    labels, depth = module.get_submodule('labels'), module.get_submodule('depth')
    found = labels(image, output_hidden_states=True)
    decoded = depth.get_submodule('depth_decoder')(found.hidden_states)
    predicted = depth.get_submodule('depth_head')(decoded)
    return {'logits': found.logits, 'depth': predicted[:, None]}
