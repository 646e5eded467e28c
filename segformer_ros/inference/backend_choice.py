# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which backend runs a network: the one that was asked for, or the fastest that computes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
import hashlib
from importlib import metadata
from statistics import median
from time import perf_counter
from typing import Any

from segformer_ros.bundle import Bundle, BundleError, InputSize
from segformer_ros.inference import trial_cache
from segformer_ros.inference.backend import Backend, BackendError, load_backend
from segformer_ros.inference.backend_order import CPU, order_of
from segformer_ros.inference.backend_table import automatic, NAMES, PRECISIONS, TABLE
from segformer_ros.inference.golden_gate import check_golden, golden_input
from segformer_ros.inference.graph_backend import GraphBackend

__all__ = [
    'NAMES', 'PRECISIONS', 'Loaded', 'Trial', 'compare', 'load', 'load_step', 'reason_of',
]  # fmt: skip

_FORMAT = 2
# A trial ends after this time, or as soon as more turns would not change a median; only large
# networks take longer, for a few turns.
_TRIAL_S, _MOST_TURNS = 1.0, 40
_LONGEST_S, _FEW_TURNS = 5.0, 3


@dataclass(frozen=True)
class Trial:
    """
    How one backend did.

    engine is its name with its version. milliseconds is the median for one image; None: not timed,
    since there was nothing to compare it with. refused is why it is not used; empty: it could be.
    """

    backend: str
    engine: str
    milliseconds: float | None
    refused: str


@dataclass(frozen=True)
class Loaded:
    """
    A backend that computes the golden outputs.

    reason says why it is this one, differences are what check_golden gives (none where it was
    found before, on this machine and these files), trials what 'auto' compared, step the name
    that loads it again.
    """

    backend: Backend
    reason: str
    differences: Mapping[str, float]
    trials: tuple[Trial, ...] = ()
    step: str = ''


def load(
    name: str,
    bundle: Bundle,
    *,
    threads: int = 0,
    precision: str = 'float32',
    cuda_api: str = 'auto',
    clock: Callable[[], float] = perf_counter,
    deferred: bool = False,
) -> Loaded:
    """
    Load a network and check that it computes its golden outputs.

    :param name: One of NAMES. 'tensorrt' takes float16, or float32 where that computes something
        else. 'auto' on a machine with a GPU takes TensorRT, then torch; without one the fastest of
        the installed backends that compute the golden outputs. It tries those for about a second,
        once for each network on a machine.
    :param threads: CPU threads for one image; 0 lets the engine decide.
    :param precision: One of PRECISIONS, for 'auto'.
    :param cuda_api: One of engines.cuda.APIS, for TensorRT.
    :param clock: In seconds.
    :param deferred: Let a CPU engine that is asked for open and check each graph when it is
        needed, as it does after a trial.
    :raises BackendError: No engine that may be taken is installed and can load the network.
    :raises BundleError: The network computes something else, or has no graph for the engine.
    :raises ValueError: There is no backend or precision of this name, or threads is negative.
    """
    order = order_of(name, precision)
    refused: list[tuple[str, BackendError | BundleError]] = []
    for step in order:
        try:
            loaded = load_step(
                step,
                bundle,
                threads=threads,
                precision=precision,
                cuda_api=cuda_api,
                clock=clock,
                deferred=deferred,
            )
        except (BackendError, BundleError) as error:
            refused.append((step, error))
        else:
            return replace(loaded, reason=reason_of(loaded, refused))
    if len(refused) == 1:
        raise refused[0][1]
    # What holds for the last step, such as a missing driver, mostly holds for all.
    text = '; '.join(f'{step}: {error}' for step, error in reversed(refused))
    raise BackendError(f'no backend can be used: {text}') from refused[-1][1]


def reason_of(loaded: Loaded, refused: Sequence[tuple[str, BackendError | BundleError]]) -> str:
    """Describe why it is this backend after the others of an order were refused."""
    return '; '.join((loaded.reason, *(f'{step} refused: {error}' for step, error in refused)))


def load_step(
    step: str,
    bundle: Bundle,
    *,
    threads: int = 0,
    precision: str = 'float32',
    cuda_api: str = 'auto',
    clock: Callable[[], float] = perf_counter,
    deferred: bool = False,
) -> Loaded:
    """
    Load one step of an order, and check it; the parameters are those of load.

    :param step: One of backend_table.BACKENDS, or backend_order.CPU.
    :raises BackendError: As load.
    :raises EngineMissingError: An engine has to be built first.
    :raises BundleError: As load.
    :raises ValueError: threads is negative.
    """
    if step == CPU:
        return _load_cpu(bundle, threads, precision, clock)
    return _open(step, bundle, threads, cuda_api, deferred=deferred)


def _load_cpu(bundle: Bundle, threads: int, precision: str, clock: Callable[[], float]) -> Loaded:
    """Take what a trial has found before, or try."""
    candidates = automatic(precision, gpu=False)
    facts = _facts(candidates, bundle, threads)
    kept = _trials(trial_cache.read(facts), candidates)
    if kept:
        try:
            loaded = _open(_fastest(kept), bundle, threads, deferred=True)
        except (BackendError, BundleError):
            pass
        else:
            reason = f'{_reason(kept, bundle)} (tried before)'
            return Loaded(loaded.backend, reason, loaded.differences, kept, loaded.step)
    opened, trials, certain = _try(candidates, bundle, threads, clock)
    if certain:
        trial_cache.write(facts, {'trials': [asdict(item) for item in trials]})
    loaded = opened.pop(_fastest(trials))
    _close(opened)
    if isinstance(loaded.backend, GraphBackend):
        loaded.backend.check_when_needed()
    reason = _reason(trials, bundle)
    return Loaded(loaded.backend, reason, loaded.differences, trials, loaded.step)


def compare(
    bundle: Bundle,
    *,
    threads: int = 0,
    precision: str = 'any',
    clock: Callable[[], float] = perf_counter,
) -> tuple[Trial, ...]:
    """
    Try every backend that 'auto' may choose from, without the cache.

    :param clock: In seconds.
    :raises BackendError: No engine can load the network.
    :raises BundleError: No engine computes its golden outputs.
    """
    opened, trials, _ = _try(automatic(precision, gpu=False), bundle, threads, clock)
    _close(opened)
    return trials


def _open(
    name: str,
    bundle: Bundle,
    threads: int,
    cuda_api: str = 'auto',
    *,
    deferred: bool = False,
) -> Loaded:
    backend = load_backend(name, bundle, threads=threads, cuda_api=cuda_api, deferred=deferred)
    if deferred and isinstance(backend, GraphBackend):
        return Loaded(backend, 'asked for', {}, step=name)
    try:
        differences = check_golden(bundle, backend)
    except (BackendError, BundleError):
        backend.close()
        raise
    return Loaded(backend, 'asked for', differences, step=name)


def _close(opened: Mapping[str, Loaded]) -> None:
    for loaded in opened.values():
        loaded.backend.close()


def _try(
    names: Sequence[str], bundle: Bundle, threads: int, clock: Callable[[], float]
) -> tuple[dict[str, Loaded], tuple[Trial, ...], bool]:
    """Load what can be loaded and time it; the last value says if it would be so again."""
    opened: dict[str, Loaded] = {}
    refused: dict[str, BackendError | BundleError] = {}
    for name in names:
        try:
            opened[name] = _open(name, bundle, threads)
        except (BackendError, BundleError) as error:
            refused[name] = error
    if not opened:
        raise next(iter(refused.values()))
    times: dict[str, float] = {}
    if len(opened) > 1:
        running = {name: loaded.backend for name, loaded in opened.items()}
        times = _time(running, bundle, _largest(bundle), clock)
    trials = tuple(
        Trial(
            backend=name,
            engine=opened[name].backend.name if name in opened else '',
            milliseconds=times.get(name),
            refused=str(refused.get(name, '')),
        )
        for name in names
    )
    certain = all(
        isinstance(error, BundleError) or _version(TABLE[name].package) is None
        for name, error in refused.items()
    )
    return opened, trials, certain


def _time(
    running: Mapping[str, Backend], bundle: Bundle, size: InputSize, clock: Callable[[], float]
) -> dict[str, float]:
    """Run all in turns and give the median of each, in milliseconds."""
    images = {
        name: golden_input(bundle, size, item.input_format) for name, item in running.items()
    }
    order = list(running)
    seconds: dict[str, list[float]] = {name: [] for name in order}
    begin, turns, elapsed = clock(), 0, 0.0
    while (elapsed < _TRIAL_S and turns < _MOST_TURNS) or (
        elapsed < _LONGEST_S and turns < _FEW_TURNS
    ):
        for name in order:
            start = clock()
            running[name].infer(images[name])
            seconds[name].append(clock() - start)
        order.reverse()
        turns, elapsed = turns + 1, clock() - begin
    return {name: 1e3 * median(values) for name, values in seconds.items()}


def _largest(bundle: Bundle) -> InputSize:
    return max(bundle.manifest.input_sizes, key=lambda size: size.height * size.width)


def _fastest(trials: Sequence[Trial]) -> str:
    usable = [item for item in trials if not item.refused]
    return min(usable, key=lambda item: item.milliseconds or 0.0).backend


def _reason(trials: Sequence[Trial], bundle: Bundle) -> str:
    size = _largest(bundle)
    timed = [(item.milliseconds, item.backend) for item in trials if item.milliseconds]
    times = ', '.join(f'{name} {value:.1f} ms' for value, name in sorted(timed))
    parts = [f'the fastest at {size.height}x{size.width}: {times}'] if timed else []
    parts += [f'{item.backend} refused: {item.refused}' for item in trials if item.refused]
    return '; '.join(parts)


def _facts(names: Sequence[str], bundle: Bundle, threads: int) -> dict[str, Any]:
    """Collect all that the result of a trial depends on."""
    size = _largest(bundle)
    manifest = bundle.file('manifest.json').read_bytes()
    return {
        'format': _FORMAT,
        'machine': trial_cache.machine(),
        'engines': {name: _version(TABLE[name].package) for name in names},
        'bundle': hashlib.sha256(manifest).hexdigest(),
        'size': f'{size.height}x{size.width}',
        'threads': threads,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _trials(found: Mapping[str, Any] | None, names: Sequence[str]) -> tuple[Trial, ...]:
    """Read what was kept; empty where it is not what is written here."""
    try:
        trials = tuple(Trial(**item) for item in (found or {})['trials'])
    except (KeyError, TypeError):
        return ()
    good = all(
        isinstance(item.engine, str)
        and isinstance(item.refused, str)
        and (item.milliseconds is None or isinstance(item.milliseconds, float))
        for item in trials
    )
    usable = any(not item.refused for item in trials)
    return trials if good and usable and [i.backend for i in trials] == list(names) else ()
