# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the figures and pictures of a run go: CSV, TensorBoard, Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import csv
from dataclasses import dataclass
import io
import os
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from segformer_ros import run_folder

Image = npt.NDArray[np.uint8]
LoggerName = Literal['csv', 'tensorboard', 'wandb']


@dataclass(frozen=True)
class WandbConfig:
    """
    How a run appears in Weights & Biases, with the logger 'wandb'.

    :param mode: 'offline' writes into the output folder; `wandb sync` sends it later.
    """

    project: str = 'segformer_ros'
    mode: Literal['online', 'offline', 'disabled'] = 'offline'


class Logger(Protocol):
    """Takes what a run has to say."""

    def scalars(self, step: int, group: str, values: Mapping[str, float]) -> None:
        """
        Take figures.

        :param step: Steps done.
        :param group: 'training' or 'evaluation'.
        """

    def picture(self, step: int, name: str, image: Image) -> None:
        """Take a (H, W, 3) RGB picture."""

    def close(self) -> None:
        """Write what is still held back."""


class CsvLogger:
    """A file per group, a row per call; a resumed run drops the rows that it writes again."""

    def __init__(self, folder: Path, first_step: int) -> None:
        """:param first_step: Steps done so far; later rows of an interrupted run are removed."""
        self._folder = folder
        for path in folder.glob('*.csv'):
            rows = [row for row in _read(path) if int(row['step']) <= first_step]
            _write(path, rows)

    def scalars(self, step: int, group: str, values: Mapping[str, float]) -> None:
        """Append a row; new columns are added to all rows."""
        path = self._folder / f'{group}.csv'
        row = {'step': str(step), **{name: f'{value:.6g}' for name, value in values.items()}}
        columns = _columns(path)
        if columns and row.keys() <= set(columns):
            with path.open('a', encoding='utf-8', newline='') as file:
                csv.DictWriter(file, columns).writerow(row)
        else:
            _write(path, [*_read(path), row])

    def picture(self, step: int, name: str, image: Image) -> None:
        """Leave pictures to others."""

    def close(self) -> None:
        """Nothing is held back."""


def _columns(path: Path) -> list[str]:
    if not path.is_file():
        return []
    with path.open(encoding='utf-8', newline='') as file:
        return next(csv.reader(file), [])


def _read(path: Path) -> list[dict[str, str]]:
    """Read the whole rows; a killed process may have left a part of one."""
    if not path.is_file():
        return []
    with path.open(encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if (row['step'] or '').isdecimal() and None not in row.values()]


def _write(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ['step']
    text = io.StringIO(newline='')
    writer = csv.DictWriter(text, columns, restval='')
    writer.writeheader()
    writer.writerows(rows)
    run_folder.write_bytes(path, text.getvalue().encode())


class TensorBoardLogger:
    """Event files for `tensorboard --logdir`."""

    def __init__(self, folder: Path, first_step: int) -> None:
        """:param first_step: What an interrupted run wrote of later steps is not shown."""
        from torch.utils.tensorboard.writer import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder), purge_step=first_step + 1)

    def scalars(self, step: int, group: str, values: Mapping[str, float]) -> None:
        """Draw every figure as a curve."""
        for name, value in values.items():
            self._writer.add_scalar(f'{group}/{name}', value, step)

    def picture(self, step: int, name: str, image: Image) -> None:
        """Show the picture."""
        self._writer.add_image(name, image, step, dataformats='HWC')

    def close(self) -> None:
        """Write what is still held back."""
        self._writer.close()


class WandbLogger:
    """A run of Weights & Biases; a resumed one continues where it was."""

    def __init__(
        self, folder: Path, name: str, config: WandbConfig, recipe: Mapping[str, Any]
    ) -> None:
        """
        Start or resume the run.

        :raises ModuleNotFoundError: wandb is not installed.
        """
        import wandb

        self._wandb: Any = wandb
        self._run: Any = wandb.init(
            project=config.project,
            name=name,
            id=run_identity(folder),
            dir=str(folder),
            mode=config.mode,
            resume='allow',
            config=dict(recipe),
        )

    def scalars(self, step: int, group: str, values: Mapping[str, float]) -> None:
        """Log every figure."""
        self._run.log({f'{group}/{name}': value for name, value in values.items()}, step=step)

    def picture(self, step: int, name: str, image: Image) -> None:
        """Log the picture."""
        self._run.log({name: self._wandb.Image(image)}, step=step)

    def close(self) -> None:
        """End the run."""
        self._run.finish()


def run_identity(folder: Path) -> str:
    """Return the id under which the run of an output folder is known, new for a new folder."""
    path = folder / 'wandb_id.txt'
    if not path.is_file():
        run_folder.write_bytes(path, os.urandom(6).hex().encode())
    return path.read_text(encoding='utf-8').strip()


def open_loggers(
    names: Sequence[LoggerName],
    folder: Path,
    name: str,
    first_step: int,
    wandb: WandbConfig,
    recipe: Mapping[str, Any],
) -> list[Logger]:
    """
    Open the loggers of a run.

    :param name: Of the run.
    :param first_step: Steps done so far.
    :param recipe: What the run was told, as plain values.
    :raises ModuleNotFoundError: The package of one is not installed.
    """
    loggers: list[Logger] = []
    if 'csv' in names:
        loggers.append(CsvLogger(folder, first_step))
    if 'tensorboard' in names:
        loggers.append(TensorBoardLogger(folder / 'tensorboard', first_step))
    if 'wandb' in names:
        loggers.append(WandbLogger(folder, name, wandb, recipe))
    return loggers
