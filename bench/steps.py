# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure where the CPU time of a command goes, step by step.

The command runs here as it always does, with its threads; each step counts the CPU time of its
own thread, without that of a step inside it. The threads of an engine are not seen: with
--backend onnxruntime it computes in the calling one where two images are in the network at once.
What no step has is the rest: the start, and what is between the steps.

    python bench/steps.py run drive.mp4 --model world_b0_fast --backend onnxruntime --out results
    python bench/steps.py evaluate world_b0 --seeds 0-49 --backend onnxruntime
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
import functools
import importlib
import inspect
from pathlib import Path
import sys
from threading import local, Lock
import time
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

STEPS = (
    ('decoding', 'files.video.VideoReader.__iter__'),
    ('decoding', 'bags.process._Stream.read'),
    ('rendering', 'datasets.world.WorldDataset.__getitem__'),
    ('preparing', 'inference.network_runner.prepare'),
    ('preparing', 'inference.network_runner.prepare_bytes'),
    ('network', 'inference.network_runner.NetworkRunner.run'),
    ('labels', 'inference.decoder.decode_labels'),
    ('labels', 'evaluation.prediction.decode_labels'),
    ('depth', 'inference.decoder.decode_depth'),
    ('depth', 'evaluation.prediction.decode_depth'),
    ('drawing', 'files.process.Artist.draw'),
    ('encoding the video', 'files.video_writer.VideoWriter.add'),
    ('writing files', 'files.results.Results.write'),
    ('writing the bag', 'bags.outputs.Outputs.write'),
    ('figures of labels', 'evaluation.label_scores.LabelScores.add'),
    ('figures of depth', 'evaluation.depth_scores.DepthScores.add'),
)
"""Each step with the function that it is, below segformer_ros."""


class Meter:
    """Adds up the CPU time of steps, in all threads."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.start_s: float | None = None
        self._lock = Lock()
        self._inner = local()

    def wrap(self, step: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return the same function, or the same generator, measured."""

        @functools.wraps(work)
        def measured(*args: Any, **kwargs: Any) -> Any:
            return self._timed(step, work, *args, **kwargs)

        @functools.wraps(work)
        def generated(*args: Any, **kwargs: Any) -> Iterator[Any]:
            items, end = work(*args, **kwargs), object()
            while (item := self._timed(step, next, items, end)) is not end:
                yield item

        return generated if inspect.isgeneratorfunction(work) else measured

    def _timed(self, step: str, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.start_s is None:
            self.start_s = time.process_time()
        outer, self._inner.seconds = getattr(self._inner, 'seconds', 0.0), 0.0
        start = time.thread_time()
        try:
            return work(*args, **kwargs)
        finally:
            spent = time.thread_time() - start
            with self._lock:
                self.seconds[step] += spent - self._inner.seconds
                self.calls[step] += 1
            self._inner.seconds = outer + spent


def find(place: str) -> tuple[Any, str]:
    """
    Find the module or class that has a function, and its name there.

    :param place: As in STEPS.
    :raises ImportError: There is no such module.
    :raises AttributeError: There is no such class.
    """
    parts = place.split('.')
    in_class = parts[-2].lstrip('_')[:1].isupper()
    count = len(parts) - (2 if in_class else 1)
    owner: Any = importlib.import_module('.'.join(('segformer_ros', *parts[:count])))
    return getattr(owner, parts[-2]) if in_class else owner, parts[-1]


def table(meter: Meter, total_s: float) -> str:
    """Write the steps by their CPU time, and the rest."""
    rest_s = total_s - sum(meter.seconds.values())
    lines = ['| step | s of CPU | share | times | ms each |', '|---|---|---|---|---|']
    for step, seconds in [*meter.seconds.most_common(), ('the rest', rest_s)]:
        count = meter.calls[step]
        each = f'{1e3 * seconds / count:.2f}' if count else ''
        share = f'{100 * seconds / total_s:.0f} %'
        lines.append(f'| {step} | {seconds:.2f} | {share} | {count or ""} | {each} |')
    before_s = 0.0 if meter.start_s is None else meter.start_s
    lines.append(f'\n{total_s:.2f} s of CPU time in all, {before_s:.2f} before the first step')
    return '\n'.join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and print the table."""
    from segformer_ros import cli

    words = sys.argv[1:] if words is None else words
    if not words or words[0].startswith('-'):
        sys.stdout.write(f'{str(__doc__).strip()}\n')
        return 0 if words else 2
    meter = Meter()
    for step, place in STEPS:
        owner, name = find(place)
        setattr(owner, name, meter.wrap(step, getattr(owner, name)))
    code = cli.main(words)
    sys.stdout.write(f'{table(meter, time.process_time())}\n')
    return code


if __name__ == '__main__':
    sys.exit(main())
