# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The checkpoints in the output folder of a run: to resume from, the last one, the best one."""

from __future__ import annotations

from collections.abc import Mapping
import copy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric
import numpy as np
import numpy.typing as npt
from segformer_ros.evaluation.network import NetworkFacts
from segformer_ros.network import checkpoint, MultitaskSegformer
from segformer_ros.training import baselines
from segformer_ros.training.baselines import Baseline
from segformer_ros.training.broken_steps import BrokenSteps
from segformer_ros.training.config import TrainConfig
from segformer_ros.training.hardware import prepare
from segformer_ros.training.initial_weights import make_network
from segformer_ros.training.learner import Network, recompute_blocks
from segformer_ros.training.progress import Report
from segformer_ros.training.recipe import check_same
from segformer_ros.training.run_data import RunData
from segformer_ros.training.run_state import EMA, MODEL, with_prefix, without_prefix
from segformer_ros.training.torch_network import network_facts, TorchNetwork
from segformer_ros.training.trained import Carried, Trained
import torch

RESUME_FILE = 'resume.safetensors'
LAST_FILE = 'last.safetensors'
BEST_FILE = 'best.safetensors'
_COUNTS = 'class_counts'


class RunFiles:
    """Reads and writes the checkpoints of one run."""

    def __init__(self, config: TrainConfig, data: RunData, command: str) -> None:
        """:param command: What the user typed, for the provenance of the weights."""
        self._config, self._data, self._command = config, data, command
        self._folder = config.folder
        self._metrics: dict[str, Any] = {}

    def restore(self, fabric: Fabric, report: Report) -> Trained:
        """
        Read the state of the run in the folder, or begin one.

        :raises CheckpointError: The file to resume from, or that to start from, is damaged.
        :raises ConfigError: The folder holds a run of another recipe.
        """
        path = self._folder / RESUME_FILE
        torch.manual_seed(self._config.seed)
        trained = self._resumed(path, fabric) if path.exists() else self._begun(report)
        if trained.step:
            report(f'resumed at step {trained.step} from {path}')
        self._place(trained, fabric)
        return trained

    def _begun(self, report: Report) -> Trained:
        config = self._config
        network, notes = make_network(
            config.network, self._data.classes, config.init, self._data.typical_images
        )
        for note in notes:
            report(note)
        return Trained(network, self._average(network), self._class_counts(report))

    def _resumed(self, path: Path, fabric: Fabric) -> Trained:
        tensors, facts = checkpoint.read(path)
        if 'stages' not in facts.get('recipe', {}):
            raise checkpoint.CheckpointError(
                f'{path} is not of a run with stages: choose another output; `init: {path}` '
                'starts from its weights'
            )
        progress = facts['progress']
        number, _ = self._config.place(max(progress['step'] - 1, 0))
        check_same(facts['recipe'], self._config, number)
        network = self._rebuilt(facts, path)
        network.load_state_dict(without_prefix(MODEL, tensors))
        ema = self._average(network)
        if ema is not None:
            ema.load_state_dict(without_prefix(EMA, tensors))
        if facts['scaler']:
            fabric.strategy.precision.load_state_dict(facts['scaler'])
        self._metrics = facts['metrics']
        counts = tensors[_COUNTS].numpy()
        rest = {n: t for n, t in tensors.items() if n.startswith(('optimizer.', 'loss.'))}
        return Trained(
            network,
            ema,
            counts,
            progress['step'],
            progress['seconds'],
            progress['best'],
            Carried(rest, facts['optimizer_numbers']),
            broken=BrokenSteps.of(progress),
        )

    def _rebuilt(self, facts: Mapping[str, Any], path: Path) -> Network:
        config = self._config.network
        if config.baseline:
            bare = replace(config, encoder_weights=None)
            return make_network(bare, self._data.classes, '')[0]
        return MultitaskSegformer(checkpoint.config_of(facts, path))

    def _average(self, network: Network) -> Network | None:
        if self._config.ema_decay == 0.0:
            return None
        return copy.deepcopy(network).eval().requires_grad_(False)

    def _class_counts(self, report: Report) -> npt.NDArray[np.int64]:
        wanted = any(
            stage.loss.segmentation.class_weights not in {'none'}
            and isinstance(stage.loss.segmentation.class_weights, str)
            for stage in self._config.stages
            if 'segmentation' in stage.tasks
        )
        if not wanted:
            return np.zeros(max(len(self._data.classes.classes), 2), np.int64)
        report(f'counting the classes in {sum(self._data.counted_frames())} frames')
        return self._data.class_counts()

    def _place(self, trained: Trained, fabric: Fabric) -> None:
        """Bring the network to its device, and set it up for several processes."""
        hardware = self._config.hardware
        trained.network.to(fabric.device)
        if trained.ema is not None:
            trained.ema.to(fabric.device)
        prepared = prepare(trained.network, hardware, fabric)
        assert isinstance(prepared, (MultitaskSegformer, Baseline))
        trained.network = prepared
        if hardware.checkpointing:
            recompute_blocks(trained.network)

    def _facts(self, trained: Trained) -> dict[str, Any]:
        classes, described = self._data.classes, asdict(trained.network.config)
        return {
            baselines.FACT if isinstance(trained.network, Baseline) else 'network': described,
            'classes': list(classes.ids),
            'label_set': classes.name,
            'class_names': [item.name for item in classes.classes],
            'focal_length_px': self._config.focal_length_px,
            'command': self._command,
            'recipe': self._config.as_dict(),
            'data': self._data.trained_on(),
            'measured_on': self._data.measured_on(),
            'progress': {
                'step': trained.step,
                'seconds': trained.seconds,
                'best': trained.best,
                **trained.broken.facts(),
            },
            'metrics': self._metrics,
        }

    def save(self, trained: Trained, fabric: Fabric) -> None:
        """Write the state to continue from."""
        kept = trained.kept()
        tensors = {
            **with_prefix(MODEL, trained.network.state_dict()),
            **kept.tensors,
            _COUNTS: torch.from_numpy(trained.class_counts),
        }
        if trained.ema is not None:
            tensors |= with_prefix(EMA, trained.ema.state_dict())
        facts = self._facts(trained) | {
            'optimizer_numbers': kept.numbers,
            'scaler': fabric.strategy.precision.state_dict(),
        }
        checkpoint.write(self._folder / RESUME_FILE, tensors, facts)

    def keep(self, trained: Trained, metrics: Mapping[str, Any], *, best: bool) -> None:
        """
        Write the weights as the last ones.

        :param metrics: What was measured of them.
        :param best: Write them as the best ones, too.
        """
        self._metrics = dict(metrics)
        for name in (LAST_FILE, BEST_FILE) if best else (LAST_FILE,):
            weights = trained.weights().state_dict()
            checkpoint.write(self._folder / name, weights, self._facts(trained))

    def network(self, trained: Trained) -> TorchNetwork:
        """Return the weights to measure as a network that can be evaluated."""
        module, classes = trained.weights(), self._data.classes
        focal = self._config.focal_length_px
        if isinstance(module, Baseline):
            facts = NetworkFacts(self._config.name, classes.classes, classes.name)
        else:
            facts = network_facts(module, classes.classes, classes.name, focal)
        # Scaled float16 is for gradients.
        half = self._config.hardware.precision == 'bfloat16'
        dtype = torch.bfloat16 if half else None
        return TorchNetwork(module, facts, dtype=dtype, finished=True)

    def result(self) -> Path:
        """Name the best weights, the last ones where nothing was measured."""
        best = self._folder / BEST_FILE
        return best if best.exists() else self._folder / LAST_FILE
