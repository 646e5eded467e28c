# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The training loop: stages of steps, resumed where an interrupted run was."""

from __future__ import annotations

from collections.abc import Iterator
import math
from pathlib import Path
import time
from typing import Any

from lightning_fabric import Fabric
import numpy as np
from segformer_ros import run_folder
from segformer_ros.progress import Progress
from segformer_ros.training import yaml_config
from segformer_ros.training.batch_source import BatchMaker, prefetch, Share, StageBatches, Step
from segformer_ros.training.broken_steps import Guard
from segformer_ros.training.config import StageConfig, TrainConfig
from segformer_ros.training.consistency import with_taught_labels
from segformer_ros.training.ema import update_ema
from segformer_ros.training.hardware import hardware_warnings, make_fabric, process_settings
from segformer_ros.training.learner import Learner, Objective, select
from segformer_ros.training.loggers import Logger, open_loggers
from segformer_ros.training.optimizers import make_optimizer, set_learning_rate
from segformer_ros.training.progress import Clock, ProgressBar, Report
from segformer_ros.training.run_data import open_data, prepare, RunData
from segformer_ros.training.run_files import RunFiles
from segformer_ros.training.schedules import factor
from segformer_ros.training.trained import Carried, Trained
from segformer_ros.training.validation import measure, Measured, score, write_pictures
import torch
from torch import Tensor

CONFIG_FILE = 'config.yaml'


def fit(
    config: TrainConfig, report: Report, *, command: str = '', max_steps: int | None = None
) -> Path:
    """
    Train, or continue with an interrupted run of the same recipe in the same output folder.

    :param report: Takes one line of text.
    :param command: What the user typed, for the provenance of the weights.
    :param max_steps: Stop, with the state saved, after so many steps of this call.
    :returns: The best weights, or the last ones where nothing was measured.
    :raises ValueError: The recipe or its data cannot be used, or the folder holds another run.
    :raises DivergedError: Too many steps in a row gave numbers that are not finite.
    """
    with process_settings(config.hardware):
        fabric = make_fabric(config.hardware)
        report_rank0 = report if fabric.is_global_zero else _silent
        for text in hardware_warnings(config.hardware, fabric.device):
            report_rank0(text)
        data = open_data(config)
        rendering = []
        if fabric.local_rank == 0:
            rendering = prepare(data.validation, report_rank0, whole=True)
            rendering += prepare((source.dataset for source in data.sources), report_rank0)
        try:
            run = TrainingRun(config, fabric, data, report_rank0, command)
            result = run.run(max_steps)
            report_rank0(f'done: {result}{run.trained.broken.summary()}')
            return result
        finally:
            for processes in rendering:
                processes.stop()


def _silent(line: str) -> None:
    """Leave talking to the first process."""


class TrainingRun:
    """One run in this process, which may be one of many."""

    def __init__(
        self, config: TrainConfig, fabric: Fabric, data: RunData, report: Report, command: str = ''
    ) -> None:
        """
        Make the network, or read the state of the run that the folder holds.

        :raises ValueError: As fit.
        """
        self.config, self.fabric, self.data = config, fabric, data
        self.files = RunFiles(config, data, command)
        self.trained: Trained = self.files.restore(fabric, report)
        self._clock, self._report = Clock(), report
        self._loggers: list[Logger] = []
        share = Share(fabric.global_rank, fabric.world_size, config.accumulate)
        stages = [
            StageBatches(s.steps, s.batch_size, s.augment, s.consistency is not None)
            for s in config.stages
        ]
        self._make = BatchMaker(data.sources, stages, config.seed, config.focal_length_px, share)
        self._measured_at = -1
        self._saved_at = self.trained.step

    def run(self, max_steps: int | None = None) -> Path:
        """Train to the end of the last stage, or for so many steps; see fit."""
        config, trained = self.config, self.trained
        last = min(config.total_steps, trained.step + (max_steps or config.total_steps))
        if self.fabric.is_global_zero:
            text = yaml_config.write(config).encode()
            run_folder.write_bytes(config.folder / CONFIG_FILE, text)
            self._loggers = open_loggers(
                config.loggers,
                config.folder,
                config.name,
                trained.step,
                config.wandb,
                config.as_dict(),
            )
        bar = ProgressBar(config.total_steps, trained.step, self._report, bar=self._show_bar())
        batches = prefetch(self._make, range(trained.step, last), config.hardware.workers)
        try:
            while trained.step < last:
                self.stage(bar).run(batches, last)
            if trained.step == config.total_steps and self._measured_at != trained.step:
                self.evaluate(bar)
        except KeyboardInterrupt:
            self._report(
                f'stopped at step {trained.step} of {config.total_steps}; the same command '
                f'continues from step {self._saved_at}'
            )
            raise
        finally:
            batches.close()  # type: ignore[attr-defined]
            bar.close()
            for logger in self._loggers:
                logger.close()
        return self.files.result()

    def _show_bar(self) -> bool | None:
        return None if self.fabric.is_global_zero else False

    def stage(self, bar: ProgressBar) -> Stage:
        """Set up the stage that the run is in."""
        return Stage(self, bar)

    def batches(self, step: int) -> Step:
        """Make this process's part of the batch of a step."""
        return self._make(step)

    def save(self) -> None:
        """Write the state to continue from."""
        if self.fabric.is_global_zero:
            self.files.save(self.trained, self.fabric)
            self._saved_at = self.trained.step

    def save_if_due(self) -> None:
        """Write the state when the recipe says so."""
        config, step = self.config, self.trained.step
        due = bool(config.checkpoint_steps) and step % config.checkpoint_steps == 0
        if due or self._clock.due('checkpoint', 60.0 * config.checkpoint_minutes):
            self.save()

    def log(self, values: dict[str, float]) -> None:
        """Hand figures of the training to the loggers."""
        for logger in self._loggers:
            logger.scalars(self.trained.step, 'training', values)

    def evaluate(self, bar: ProgressBar) -> None:
        """Measure, draw and keep the weights, in the first process; the others wait."""
        if self.fabric.is_global_zero:
            self._evaluate(bar)
        self._measured_at = self.trained.step
        self.fabric.barrier()

    def _evaluate(self, bar: ProgressBar) -> None:
        config, trained = self.config, self.trained
        started = time.monotonic()
        found = Measured({}, {})
        if self.data.validation:
            network = self.files.network(trained)
            sets = config.data.validation
            with Progress('evaluating', unit='image') as progress:
                found = measure(
                    network, self.data.validation, sets, config.pictures, progress.update
                )
        value = score(found.scalars(), config.best)
        better = trained.best is None or value > trained.best
        if better and self.data.validation:
            trained.best = value
        self.files.keep(trained, found.kept(), best=better and bool(self.data.validation))
        write_pictures(config.folder, trained.step, found.pictures)
        for logger in self._loggers:
            if found.figures:
                logger.scalars(trained.step, 'evaluation', {'score': value, **found.scalars()})
            for name, picture in found.pictures.items():
                logger.picture(trained.step, name, picture)
        if found.figures:
            shown = found.shown(config.best)
            mark = ' (best so far)' if better else ''
            seconds = time.monotonic() - started
            bar.say(f'step {trained.step}: {shown}{mark}, measured in {seconds:.0f} s')


class Stage:
    """The rest of the stage that a run is in."""

    def __init__(self, run: TrainingRun, bar: ProgressBar) -> None:
        self.owner, self.bar = run, bar
        trained, config = run.trained, run.config
        number, self.first = config.place(trained.step)
        self.stage: StageConfig = config.stages[number]
        self.name = self.stage.name or f'stage {number + 1}/{len(config.stages)}'
        select(trained.network, self.stage)
        names = tuple(item.name for item in run.data.classes.classes)
        objective = Objective(config, self.stage, trained.network, trained.class_counts, names)
        objective = objective.to_device(run.fabric.device)
        optimizer = make_optimizer(trained.network, self.stage.optimizer, loss=objective)
        trained.carried.give(optimizer, objective)
        trained.live = (optimizer, objective)
        self.learner = Learner(trained.network, objective, self.stage.tasks)
        # A fused optimizer would undo the scaling of float16 itself, after the norm is clipped.
        vars(optimizer)['_step_supports_amp_scaling'] = False
        self.model, self.optimizer = run.fabric.setup(self.learner, optimizer)
        self.model.train()

    def run(self, batches: Iterator[Step], last: int) -> None:
        """Take steps to the end of the stage or to the last step."""
        owner, config = self.owner, self.owner.config
        end = min(self.first + self.stage.steps, last)
        while owner.trained.step < end:
            started = time.monotonic()
            values = self.step(next(batches))
            owner.trained.seconds += time.monotonic() - started
            self.bar.step(self.stage.batch_size, self.name, values)
            step = owner.trained.step
            if step % config.log_steps == 0:
                owner.log({**_floats(values), 'samples_per_s': self.bar.rate()})
            ends = step == self.first + self.stage.steps
            if ends or (config.evaluation_steps and step % config.evaluation_steps == 0):
                owner.evaluate(self.bar)
                self.model.train()
                # The next rate is of steps alone.
                self.bar.rate()
            if not ends:
                owner.save_if_due()
        optimizer, objective = owner.trained.live or (None, None)
        assert optimizer is not None
        assert objective is not None
        owner.trained.carried = Carried.take(optimizer, objective)
        owner.trained.live = None
        objective.close()
        owner.save()

    def step(self, batches: Step) -> dict[str, float | Tensor]:
        """Learn from one batch in its pieces; give what to log."""
        stage, fabric, config = self.stage, self.owner.fabric, self.owner.config
        trained = self.owner.trained
        place = trained.step - self.first
        rate = stage.optimizer.learning_rate * factor(stage.schedule, place, stage.steps)
        set_learning_rate(self.optimizer, rate)
        guard = Guard(fabric, trained.network, self.learner.objective)
        losses = self._backward(batches)
        norm = fabric.clip_gradients(
            self.model,
            self.optimizer,
            max_norm=stage.optimizer.clip_norm or math.inf,
            error_if_nonfinite=False,
        )
        assert norm is not None
        trained.step += 1
        reason = guard.broken(norm, losses['loss'])
        trained.broken.count(trained.step, reason, self.bar.say)
        if reason is None:
            self.optimizer.step()
            if trained.ema is not None:
                update_ema(trained.ema, trained.network, config.ema_decay, trained.step)
        self.optimizer.zero_grad()
        weights = self.learner.objective.loss.task_weights()
        return {
            **losses,
            'gradient_norm': norm,
            'learning_rate': rate,
            'broken_steps': float(trained.broken.total),
            **{f'weight_of_{name}': value for name, value in weights.items()},
        }

    def _backward(self, batches: Step) -> dict[str, Tensor]:
        """Add up the gradients of all pieces; give the means of their losses by name."""
        owner, fabric = self.owner, self.owner.fabric
        losses: dict[str, Tensor] = {}
        for piece, batch in enumerate(batches):
            seed = random_seed(owner.config.seed, owner.trained.step, fabric.global_rank, piece)
            torch.manual_seed(seed)
            batch = batch.to(fabric.device)
            if self.stage.consistency is not None and owner.trained.ema is not None:
                with fabric.autocast():
                    batch = with_taught_labels(owner.trained.ema, batch, self.stage.consistency)
            tensors = (batch.image, batch.labels, batch.depth, batch.focal_px)
            trust = (batch.confidence, batch.soft_labels)
            with fabric.no_backward_sync(self.model, enabled=piece + 1 < len(batches)):
                total, parts = self.model(*tensors, *trust, seed)
                if len(self.stage.tasks) > 1:
                    self._balance()
                fabric.backward(total / len(batches))
            for name, value in {'loss': total.detach(), **parts}.items():
                losses[name] = losses.get(name, 0.0) + value / len(batches)
        return losses

    def _balance(self) -> None:
        """Let GradNorm look at the losses, the same in every process."""
        loss = self.learner.objective.loss
        loss.balance(self.learner.shared(), mean=self._mean)

    def _mean(self, values: Tensor) -> Tensor:
        mean: Any = self.owner.fabric.all_reduce(values, reduce_op='mean')
        found: Tensor = mean
        return found


def _floats(values: dict[str, float | Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}


def random_seed(*numbers: int) -> int:
    """Make one seed of torch from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
