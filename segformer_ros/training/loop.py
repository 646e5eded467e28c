# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The training loop: phases, checkpoints, resuming, evaluation."""

from __future__ import annotations

from collections.abc import Sequence
import copy
from dataclasses import asdict
import json
import math
from pathlib import Path
import time
from typing import Any

from segformer_ros.network import (
    build,
    checkpoint,
    depth_is_log,
    MultitaskSegformer,
    NetworkConfig,
)
from segformer_ros.training import resume
from segformer_ros.training.batches import Batch, channel_table, make_batch, prefetch
from segformer_ros.training.config import LossConfig, PhaseConfig, TrainConfig
from segformer_ros.training.evaluate import measure
from segformer_ros.training.frames import FrameStore, Sample
from segformer_ros.training.losses import (
    canonical_log_depth,
    class_weights,
    cross_entropy,
    masked_l1,
    silog,
)
from segformer_ros.training.optimizer import make_optimizer, update_ema
from segformer_ros.training.schedule import Clock, learning_rate, Progress, Report
import torch
from torch import nn, Tensor

RESUME_FILE = 'resume.safetensors'
WEIGHTS_FILE = 'weights.safetensors'
LOG_FILE = 'log.jsonl'
# Metres below this are taken for it, so that their logarithm stays finite.
LEAST_M = 1e-3


def subsample(x: Tensor, stride: int) -> Tensor:
    """Keep one pixel of every stride x stride of (N, H, W), a random one, the same for all."""
    top, left = torch.randint(stride, (2,)).tolist()
    return x[:, top::stride, left::stride]


def compute_loss(
    outputs: dict[str, Tensor],
    batch: Batch,
    weights: Tensor,
    config: LossConfig,
    focal_length_px: float,
    depth_factor: float = 1.0,
    *,
    is_log: bool = True,
) -> tuple[Tensor, dict[str, Tensor]]:
    """
    Add up the losses of the heads that are on.

    :param outputs: Of the network.
    :param weights: (C,) of the classes.
    :param depth_factor: Of both depth losses.
    :param is_log: Whether the depth output is log metres, else metres.
    :returns: The sum to minimise, and its parts by name.
    """
    parts: dict[str, tuple[float, Tensor]] = {}
    if 'logits' in outputs:
        labels = subsample(batch.labels, config.label_stride)
        loss = cross_entropy(outputs['logits'].float(), labels, weights)
        parts['segmentation'] = (config.segmentation, loss)
    if 'depth' in outputs:
        predicted = outputs['depth'].float()[:, 0]
        predicted = predicted if is_log else predicted.clamp_min(LEAST_M).log()
        stride = batch.depth.shape[-1] // predicted.shape[-1]
        depth = subsample(batch.depth, stride)
        target, valid = canonical_log_depth(
            depth, batch.focal_px, focal_length_px, config.min_depth_m, config.max_depth_m
        )
        error = predicted - target
        parts['silog'] = (depth_factor * config.silog, silog(error, valid))
        parts['log_l1'] = (depth_factor * config.log_l1, masked_l1(error, valid))
    total = torch.stack([factor * value for factor, value in parts.values()]).sum()
    return total, {name: value.detach() for name, (_, value) in parts.items()}


class Trainer:
    """
    One run of a recipe, resumed when its output folder holds the same recipe's state.

    :param ids: Class ids in the order of the network's channels.
    :param validation: Held-out frames.
    :param report: Takes one line of text.
    """

    def __init__(
        self,
        config: TrainConfig,
        store: FrameStore,
        ids: tuple[int, ...],
        *,
        label_set: str,
        command: str = '',
        validation: Sequence[Sample] = (),
        report: Report = lambda line: None,
    ) -> None:
        self.config, self.store, self.ids = config, store, ids
        self.label_set, self.command = label_set, command
        self.validation, self.report = validation, report
        self.output = Path(config.output)
        torch.manual_seed(config.seed)
        self.network = build(num_classes=len(ids), **config.network)
        self.ema = copy.deepcopy(self.network).eval() if config.ema_decay > 0.0 else None
        self.optimizer = make_optimizer(self.network, config.weight_decay)
        self.progress = Progress()
        self.metrics: dict[str, Any] = {}
        self.class_counts = torch.from_numpy(store.class_counts(ids))
        self._resume()

    def _resume(self) -> None:
        path = self.output / RESUME_FILE
        if not path.exists():
            return
        tensors, facts = checkpoint.read(path)
        self.class_counts = tensors.pop('class_counts')
        if NetworkConfig(**facts['network']) != self.network.config:
            raise checkpoint.CheckpointError(
                f'{path} is of another network: remove {self.output} or choose another output'
            )
        self.progress = Progress(**facts['progress'])
        resume.unpack(tensors, self.network, self.ema, self.optimizer, self.progress.step)
        self.report(f'resumed at step {self.progress.step} from {path}')

    def _facts(self) -> dict[str, Any]:
        return {
            'network': asdict(self.network.config),
            'classes': list(self.ids),
            'label_set': self.label_set,
            'command': self.command,
            'focal_length_px': self.config.focal_length_px,
            'recipe': self.config.as_dict(),
            'progress': asdict(self.progress),
            'frames': len(self.store),
            'metrics': self.metrics,
        }

    def save(self) -> None:
        """Write the state to go on from."""
        tensors = resume.pack(self.network, self.ema, self.optimizer)
        tensors['class_counts'] = self.class_counts
        checkpoint.write(self.output / RESUME_FILE, tensors, self._facts())

    def evaluate(self) -> dict[str, Any]:
        """Measure the weights and their average, and write the better ones as weights file."""
        candidates: dict[str, MultitaskSegformer] = {'last': self.network}
        if self.ema is not None:
            candidates['average'] = self.ema
        best: dict[str, Any] = {}
        for name, network in candidates.items():
            figures: dict[str, Any] = {'weights': name}
            if self.validation:
                focal = self.config.focal_length_px
                figures |= measure(network, self.validation, self.ids, focal)
            if not best or _score(figures) >= _score(best):
                best, chosen = figures, network
            self._log({'step': self.progress.step, **figures})
        self.metrics = best
        checkpoint.write(self.output / WEIGHTS_FILE, chosen.state_dict(), self._facts())
        self.report(
            f'step {self.progress.step}: mIoU {best.get("miou")}, AbsRel {best.get("abs_rel")}, '
            f'delta1 {best.get("delta1")} ({best["weights"]} weights)'
        )
        return best

    def _log(self, record: dict[str, Any]) -> None:
        self.output.mkdir(parents=True, exist_ok=True)
        with (self.output / LOG_FILE).open('a', encoding='utf-8') as file:
            file.write(json.dumps(record) + '\n')

    def step(self, batch: Batch, phase: PhaseConfig) -> dict[str, Tensor]:
        """Learn from one batch, and give the parts of the loss."""
        config, progress = self.config, self.progress
        rate = learning_rate(phase, progress.share(phase), progress.step, config.warmup_steps)
        for group in self.optimizer.param_groups:
            group['lr'] = rate
        torch.manual_seed(config.seed + progress.step)
        self.network.train()
        weights = class_weights(self.class_counts, phase.class_balance)
        with torch.autocast('cpu', torch.bfloat16, enabled=config.bfloat16):
            outputs = self.network(batch.image)
        total, parts = compute_loss(
            outputs,
            batch,
            weights,
            config.loss,
            config.focal_length_px,
            phase.depth_factor,
            is_log=depth_is_log(self.network.config.depth_activation),
        )
        self.optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), config.clip_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
        progress.step += 1
        progress.phase_step += 1
        if self.ema is not None:
            update_ema(self.ema, self.network, config.ema_decay, progress.step)
        return parts

    def run(self, *, max_steps: int | None = None) -> dict[str, Any]:
        """
        Train to the end of the last phase.

        :param max_steps: Stop, with the state saved, after this many steps of this call.
        :returns: The last measured figures.
        """
        torch.set_num_threads(self.config.threads)
        left = math.inf if max_steps is None else max_steps
        while self.progress.phase < len(self.config.phases) and left > 0:
            left -= self._run_phase(self.config.phases[self.progress.phase], left)
        self.save()
        return self.evaluate()

    def _run_phase(self, phase: PhaseConfig, max_steps: float) -> int:
        config, progress = self.config, self.progress
        table = channel_table(self.ids)

        def make(step: int) -> Batch:
            return make_batch(self.store, phase, config.augment, table, (config.seed, step))

        batches = prefetch(make, progress.step)
        clock = Clock(config, self.report)
        done = 0
        while progress.share(phase) < 1.0 and done < max_steps:
            started = time.monotonic()
            parts = self.step(next(batches), phase)
            done += 1
            progress.phase_s += time.monotonic() - started
            clock.line(progress, phase, parts)
            if clock.due('checkpoint', config.checkpoint_minutes):
                self.store.refresh()
                self.save()
            if clock.due('evaluation', config.evaluation_minutes):
                self.evaluate()
        batches.close()  # type: ignore[attr-defined]
        if progress.share(phase) >= 1.0:
            self.progress = Progress(progress.step, progress.phase + 1)
        return done


def _score(figures: dict[str, Any]) -> float:
    return float(figures.get('miou', 0.0)) - float(figures.get('abs_rel', 0.0))
