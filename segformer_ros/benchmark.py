# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How long a bundle takes on the backends of this machine; the arithmetic of such times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from statistics import mean, median, pstdev, quantiles
from time import perf_counter

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Bundle, BundleError
from segformer_ros.inference import backend_choice
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.pipeline import Pipeline

_WARM_UP = 2


@dataclass(frozen=True)
class Spread:
    """Median, first and third quartile of some times, in milliseconds."""

    median_ms: float
    q1_ms: float
    q3_ms: float


@dataclass(frozen=True)
class BackendTimes:
    """
    What one backend took for one image, or why it could not be used.

    network is the network alone, whole is everything from the RGB image to labels and depth of its
    size. metrics are those of ros2_benchmark. Where refused has text, the rest is None or empty.
    schedule is how two networks were computed, empty for one network.
    """

    backend: str
    engine: str = ''
    network: Spread | None = None
    whole: Spread | None = None
    metrics: Mapping[str, float] | None = None
    refused: str = ''
    schedule: str = ''


def spread(samples_s: Sequence[float]) -> Spread:
    """
    Summarise times.

    :param samples_s: Seconds, at least two.
    """
    first, _, third = quantiles(samples_s, n=4, method='inclusive')
    return Spread(1e3 * median(samples_s), 1e3 * first, 1e3 * third)


def ros2_benchmark_metrics(latencies_s: Sequence[float]) -> dict[str, float]:
    """
    Describe frames that follow one another without a pause, with the names of ros2_benchmark.

    :param latencies_s: Seconds from image to results, of two frames or more.
    """
    jitters = [abs(later - earlier) for earlier, later in pairwise(latencies_s)]
    return {
        'Mean Frame Rate (fps)': 1.0 / mean(latencies_s),
        '# of Frames Sent': len(latencies_s),
        'Max. End-to-End Latency (ms)': 1e3 * max(latencies_s),
        'Min. End-to-End Latency (ms)': 1e3 * min(latencies_s),
        'Mean End-to-End Latency (ms)': 1e3 * mean(latencies_s),
        'Max. Frame-to-Frame Jitter (ms)': 1e3 * max(jitters),
        'Min. Frame-to-Frame Jitter (ms)': 1e3 * min(jitters),
        'Mean Frame-to-Frame Jitter (ms)': 1e3 * mean(jitters),
        'Frame-to-Frame Jitter Std. Deviation (ms)': 1e3 * pstdev(jitters),
    }


def time_backends(
    bundle: Bundle,
    names: Sequence[str],
    image: npt.NDArray[np.uint8],
    *,
    threads: int = 0,
    repeats: int = 20,
) -> list[BackendTimes]:
    """
    Run a bundle on several backends, which take turns.

    :param names: Of backends, without 'auto'.
    :param image: (H, W, 3) RGB as a camera gives it.
    :param threads: CPU threads for one image; 0 lets the engine decide.
    :param repeats: Turns of each, at least two.
    :returns: In the order of the names; of two networks that can be computed on two threads, both
        ways of each.
    :raises ValueError: There is no backend of a name, or a number is too small.
    """
    if repeats < 2:
        raise ValueError(f'expected two repeats or more, got {repeats}')
    pipelines: dict[str, Pipeline] = {}
    refused: dict[str, str] = {}
    for name in names:
        try:
            choose = partial(backend_choice.load, name, threads=threads)
            pipelines[name] = Pipeline.open(bundle, choose)
        except (BackendError, BundleError) as error:
            refused[name] = str(error)
    samples = _take_turns(pipelines, image, repeats)
    results = [BackendTimes(name, refused=why) for name, why in refused.items()]
    for (name, way), seconds in samples.items():
        network, whole = zip(*seconds, strict=True)
        engine, metrics = pipelines[name].backend_name, ros2_benchmark_metrics(whole)
        times = spread(network), spread(whole)
        results.append(BackendTimes(name, engine, *times, metrics, schedule=way))
    for pipeline in pipelines.values():
        pipeline.close()
    return sorted(results, key=lambda item: names.index(item.backend))


def faster_schedules(times: Sequence[BackendTimes]) -> dict[str, str]:
    """Name the faster schedule of two networks, by backend; none of one network."""
    both = [(item.whole.median_ms, item) for item in times if item.schedule and item.whole]
    fastest_last = sorted(both, key=lambda pair: pair[0], reverse=True)
    return {item.backend: item.schedule for _, item in fastest_last}


def _take_turns(
    pipelines: Mapping[str, Pipeline], image: npt.NDArray[np.uint8], repeats: int
) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """
    Return the seconds of the network and of the whole, by name and schedule.

    The order moves on each round.
    """
    order = [(name, way) for name, item in pipelines.items() for way in item.schedules]
    samples: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in order}
    for number in range(_WARM_UP + repeats):
        for key in order:
            pipeline = pipelines[key[0]]
            pipeline.use(key[1])
            start = perf_counter()
            result = pipeline.predict(image)
            whole_s = perf_counter() - start
            if number >= _WARM_UP:
                samples[key].append((result.timings.network_s, whole_s))
        order = order[1:] + order[:1]
    return samples
