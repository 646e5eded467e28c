# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a recipe of a training run says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from segformer_ros.datasets import DatasetSpec
from segformer_ros.evaluation.depth_scores import DepthRules
from segformer_ros.evaluation.evaluated_classes import LabelRules
from segformer_ros.evaluation.prediction import Inference
from segformer_ros.network.mix_transformer import MLP_RATIOS, SR_RATIOS
from segformer_ros.training.augment.config import AugmentConfig
from segformer_ros.training.consistency import ConsistencyConfig
from segformer_ros.training.hardware import HardwareConfig
from segformer_ros.training.loggers import LoggerName, WandbConfig
from segformer_ros.training.losses.config import LossConfig
from segformer_ros.training.optimizers import OptimizerConfig
from segformer_ros.training.schedules import ScheduleConfig

Task = Literal['segmentation', 'depth']
BOTH: tuple[Task, ...] = ('segmentation', 'depth')


@dataclass(frozen=True)
class ModelConfig:
    """
    The network: the fields of segformer_ros.network.NetworkConfig but the number of classes.

    :param norm_eps: None: that of the weights it starts from, else 1e-5.
    :param baseline: Another network in its place, for labels alone: 'unet', 'deeplabv3plus',
        'pspnet' or another one of segmentation-models-pytorch; only encoder and encoder_weights
        are looked at then. See baselines.BaselineConfig.
    """

    size: Literal['b0', 'b1', 'b2', 'b3', 'b4', 'b5'] = 'b0'
    segmentation: bool = True
    depth: bool = True
    decoder_dim: int | None = None
    depth_dim: int = 64
    depth_stride: Literal[1, 2, 4, 8] = 1
    depth_activation: Literal['metric', 'log', 'bounded_log', 'linear'] = 'metric'
    max_depth_m: float = 10.0
    depth_scale: bool = False
    drop_path_rate: float = 0.0
    drop_rate: float = 0.1
    norm_eps: float | None = None
    embed_norm_eps: float | None = None
    segmentation_head: Literal['nvlabs', 'mmseg'] = 'nvlabs'
    depth_head: Literal['glpn', 'mlp'] = 'glpn'
    auxiliary_head: bool = False
    sr_ratios: tuple[int, ...] = SR_RATIOS
    mlp_ratios: tuple[int, ...] = MLP_RATIOS
    baseline: str = ''
    encoder: str = 'resnet18'
    encoder_weights: str | None = None


@dataclass(frozen=True)
class ClassesConfig:
    """
    The classes of the network, in the order of its channels.

    :param label_set: Name of a label set; empty: that of the first training dataset.
    :param names: Some of its classes; empty: all.
    """

    label_set: str = ''
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingSet:
    """
    A dataset to learn from.

    :param kind: Of the reader; empty: recognised.
    :param root: Folder or file.
    :param options: Of the reader.
    :param weight: Share of the samples, in any unit.
    :param rules: From names of its classes to names of the network's, over the known map.
    """

    kind: str = ''
    root: str = ''
    split: str = 'train'
    options: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    rules: Mapping[str, str] = field(default_factory=dict)

    @property
    def spec(self) -> DatasetSpec:
        """Name the dataset as the readers do."""
        return DatasetSpec(self.kind, self.root, self.split, self.options)


@dataclass(frozen=True)
class ValidationSet:
    """
    A dataset to measure on; kind to options as for TrainingSet.

    :param frames: How many, spread over all; 0: all.
    :param inference: How an image goes through the network.
    :param labels: How labels are evaluated; borders are not, while training.
    :param depth: How depth is evaluated.
    """

    kind: str = ''
    root: str = ''
    split: str = 'val'
    options: Mapping[str, Any] = field(default_factory=dict)
    frames: int = 0
    inference: Inference = field(default_factory=Inference)
    labels: LabelRules = field(default_factory=LabelRules)
    depth: DepthRules = field(default_factory=DepthRules)

    @property
    def spec(self) -> DatasetSpec:
        """Name the dataset as the readers do."""
        return DatasetSpec(self.kind, self.root, self.split, self.options)


@dataclass(frozen=True)
class DataConfig:
    """The datasets for training and for validation."""

    train: tuple[TrainingSet, ...]
    validation: tuple[ValidationSet, ...] = ()


@dataclass(frozen=True)
class StageConfig:
    """
    A part of the run with one loss, one augmentation and one course of the learning rate.

    :param steps: Of the optimizer.
    :param batch_size: Samples of a step, over all processes and pieces.
    :param tasks: Heads that are computed and trained.
    :param frozen: Names or patterns of parts that stay as they are, such as 'encoder'.
    :param consistency: Training on samples without labels, labelled by the moving average of the
        weights; null: none.
    :param depth_stride: Of the 'glpn' depth head while this stage learns; None: the network's,
        at which it is measured in any case. The last convolutions of a coarser head cost less.
    """

    steps: int
    name: str = ''
    batch_size: int = 8
    tasks: tuple[Task, ...] = BOTH
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    frozen: tuple[str, ...] = ()
    depth_stride: Literal[1, 2, 4] | None = None
    consistency: ConsistencyConfig | None = None

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1:
            raise ValueError(
                f'steps and batch_size must be at least 1, not {self.steps} and {self.batch_size}'
            )
        if not self.tasks:
            raise ValueError('tasks must name segmentation, depth or both')


@dataclass(frozen=True)
class TrainConfig:
    """
    A whole recipe.

    :param output: Folder of the run; empty: runs/NAME.
    :param init: Checkpoint or hf://org/name of a network or an encoder to start from.
    :param focal_length_px: Depths are trained as a camera of this focal length would see them;
        None: as they are, for datasets of one camera.
    :param defaults: What stages do not say themselves; keys of a stage.
    :param ema_decay: Of the moving average of the weights, which is what is measured and kept;
        0 switches it off.
    :param accumulate: Pieces in which a batch passes before a step of the optimizer.
    :param evaluation_steps: Steps between evaluations; 0: only at the end of stages.
    :param best: What makes a network better: the sum of figures times these factors; '1/miou' is
        that of the second validation dataset, and so on.
    :param checkpoint_minutes: Between the files to resume from.
    :param checkpoint_steps: The same in steps; 0: minutes decide.
    :param pictures: Examples drawn at an evaluation, of each validation dataset.
    :param log_steps: Steps between two entries of the loggers.
    :param class_frames: Frames in which pixels are counted, for losses that weigh classes.
    """

    name: str
    data: DataConfig
    stages: tuple[StageConfig, ...]
    seed: int = 0
    output: str = ''
    init: str = ''
    network: ModelConfig = ModelConfig()
    classes: ClassesConfig = ClassesConfig()
    focal_length_px: float | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    hardware: HardwareConfig = field(default_factory=HardwareConfig)
    ema_decay: float = 0.999
    accumulate: int = 1
    evaluation_steps: int = 0
    best: Mapping[str, float] = field(default_factory=lambda: {'miou': 1.0, 'abs_rel': -1.0})
    checkpoint_minutes: float = 5.0
    checkpoint_steps: int = 0
    pictures: int = 4
    log_steps: int = 20
    class_frames: int = 400
    loggers: tuple[LoggerName, ...] = ('csv', 'tensorboard')
    wandb: WandbConfig = field(default_factory=WandbConfig)

    def __post_init__(self) -> None:
        if not self.stages or not self.data.train:
            raise ValueError('expected at least one stage and one training dataset')
        if self.accumulate < 1 or self.log_steps < 1 or not 0.0 <= self.ema_decay < 1.0:
            raise ValueError(
                'accumulate and log_steps must be at least 1 and ema_decay in [0, 1), not '
                f'{self.accumulate}, {self.log_steps} and {self.ema_decay}'
            )
        for number, stage in enumerate(self.stages):
            if self.network.baseline and stage.tasks != ('segmentation',):
                raise ValueError(
                    f'stages[{number}].tasks must be [segmentation]: a baseline has nothing else'
                )
            if stage.consistency is not None and (
                not self.ema_decay or 'segmentation' not in stage.tasks
            ):
                raise ValueError(
                    f'stages[{number}].consistency needs the task segmentation and a teacher: '
                    f'ema_decay above 0, not {self.ema_decay}, and tasks {stage.tasks}'
                )
            for task in stage.tasks:
                if not getattr(self.network, task):
                    raise ValueError(f'stages[{number}] trains {task}: network.{task} is off')

    @property
    def folder(self) -> Path:
        """Return the output folder."""
        return Path(self.output or f'runs/{self.name}')

    @property
    def total_steps(self) -> int:
        """Count the steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def place(self, step: int) -> tuple[int, int]:
        """Return the number of the stage of a step, and the first step of that stage."""
        first = 0
        for number, stage in enumerate(self.stages):
            if step < first + stage.steps:
                return number, first
            first += stage.steps
        return len(self.stages) - 1, first - self.stages[-1].steps

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain dictionaries and lists."""
        return asdict(self)
