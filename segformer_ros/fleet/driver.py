# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Hands out what is to be done, and puts the results in place; each once, even if workers die."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
import shutil
from time import monotonic

from segformer_ros.fleet import parts, remote
from segformer_ros.fleet.inputs import BAG
from segformer_ros.fleet.manifest import Manifest
from segformer_ros.fleet.pool import Outcome, Runner
from segformer_ros.fleet.records import DONE, FAILED, Known, NEW, PENDING, SAME, Shard
from segformer_ros.fleet.stragglers import Stragglers
from segformer_ros.fleet.tally import Tally
from segformer_ros.fleet.work import Answer, Compute, Look, Task

_LOOK_S = 1.0


class StoppedError(RuntimeError):
    """Nothing more can be done until somebody has changed something; nothing is lost."""


@dataclass(frozen=True)
class Rules:
    """
    How work is handed out; none of it changes a result.

    :param shard_frames: Number of frames of a shard, about; of inputs that are not cut yet.
    :param tries: How often a shard is tried that its worker does not survive, or that cannot be
        read or written.
    """

    shard_frames: int = 500
    tries: int = 3


class Driver:
    """
    The process that everything goes through.

    :param folder: DEST; the shards' parts and the results lie in there.
    :param runner: Does the work.
    :param advance: Called with the number of frames that were done; below 0, they are done again.
    :param deliver: Called with the name of each input that is done, also of an earlier start.
    :param clock: In seconds, steady.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        runner: Runner,
        rules: Rules,
        advance: Callable[[int], object] = lambda frames: None,
        deliver: Callable[[str], object] = lambda name: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        self._runner = runner
        self._rules = rules
        self._advance = advance
        self._deliver = deliver
        self._keys = count()
        self._running: dict[int, Known | Shard] = {}
        self._late: dict[int, Shard] = {}
        # By input, while its shards are computed.
        self._frames = Counter[int]()
        self._stragglers = Stragglers(clock)
        self._stopped = ''
        self.tally = Tally()

    def run(self) -> None:
        """
        Do all that is to be done.

        :raises StoppedError: A disk is full, or the network cannot be loaded.
        :raises ManifestError: The state cannot be written.
        """
        self._take_up()
        while True:
            while not self._stopped and self._runner.free() and self._hand_out():
                pass
            if not self._running and not (self._runner.pending() and self._is_left()):
                break
            for outcome in self._runner.wait(_LOOK_S):
                self._settle(outcome)
        if self._stopped:
            raise StoppedError(
                f'{self._stopped}: {self._folder} keeps what is done, start again to continue'
            )

    def _is_left(self) -> bool:
        """Return whether something is to be done that no worker has."""
        manifest = self._manifest
        left = PENDING in manifest.counts('shards') or NEW in manifest.counts()
        return left and not self._stopped

    def _take_up(self) -> None:
        """Compare the state with what is on the disk, after a driver that was killed."""
        self.tidy()
        for known in self._manifest.known(DONE):
            if parts.read_facts(self._result(known)) is None:
                self._manifest.forget(known.id)
            else:
                self._deliver(known.name)
        for known in self._manifest.known(PENDING):
            if parts.read_facts(self._result(known)) is not None:
                self._input_done(known)
                continue
            missing = 0
            for shard in self._manifest.shards(known.id):
                facts = parts.read_facts(self._part(known, shard))
                if facts is None:
                    self._manifest.undo(shard)
                    missing += 1
                else:
                    self._manifest.shard_done(shard, parts.frames_read(facts), None)
            if not missing:
                self._assemble(known)

    def tidy(self) -> None:
        """
        Remove what no one needs: call it when the workers have ended, too.

        A worker that was second may still have made its part after all of its input was done.
        """
        parts.sweep(self._folder)
        wanted = {
            self._part(known, shard).name
            for known in self._manifest.known(PENDING, FAILED)
            for shard in self._manifest.shards(known.id)
        }
        for item in (self._folder / parts.PARTS).iterdir():
            if item.name not in wanted:
                shutil.rmtree(item, ignore_errors=True)
        for known in self._manifest.known(DONE, SAME):
            remote.drop(known.input)

    def _part(self, known: Known, shard: Shard) -> Path:
        return (
            self._folder
            / parts.PARTS
            / parts.part_name(known.sha256, shard.number, (shard.first, shard.last))
        )

    def _result(self, known: Known) -> Path:
        return self._folder / parts.RESULTS / known.name

    def _hand_out(self) -> bool:
        """Let a worker do the next task; False where there is none."""
        task: Task
        item: Known | Shard | None = self._manifest.next_shard()
        if item is None:
            item = self._manifest.next_input() or self._stragglers.next()
        if item is None:
            return False
        if isinstance(item, Shard):
            known = self._manifest.input(item.input)
            task = Compute(known.input, item, self._part(known, item))
            self._stragglers.begin(item)
        else:
            task = Look(item.input, self._rules.shard_frames)
        key = next(self._keys)
        self._running[key] = item
        self._runner.submit(key, task)
        return True

    def _settle(self, outcome: Outcome) -> None:
        late = self._late.pop(outcome.key, None)
        if late is not None:
            self._drop_late(late)
            return
        item = self._running.pop(outcome.key)
        answer = outcome.answer or Answer(reason=outcome.reason, again=True)
        self._count(item, outcome)
        if isinstance(item, Shard):
            others = {key for key, other in self._running.items() if other == item}
            if others and answer.reason:
                # The other worker may still do it.
                return
            self._late |= dict.fromkeys(others, item)
            for key in others:
                del self._running[key]
            self._stragglers.end(item, answer.seconds)
        if answer.outside:
            self._stopped = answer.reason
            if isinstance(item, Shard):
                self._manifest.shard_stopped(item)
            else:
                self._manifest.input_stopped(item.id)
            return
        limit = self._rules.tries if answer.again else 1
        if isinstance(item, Shard):
            self._settle_shard(item, answer, limit)
        elif answer.plan is None:
            self._manifest.input_failed(item.id, answer.reason, limit)
        else:
            plan = answer.plan
            if not self._manifest.planned(item.id, plan.sha256, plan.frames, plan.cuts):
                remote.drop(item.input)

    def _count(self, item: Known | Shard, outcome: Outcome) -> None:
        answer = outcome.answer
        if answer is None:
            self.tally.died += 1
        elif isinstance(item, Shard):
            failed = bool(answer.reason)
            self.tally.count(answer.worker, answer.frames, answer.seconds, failed=failed)

    def _settle_shard(self, shard: Shard, answer: Answer, limit: int) -> None:
        if answer.reason:
            self._manifest.shard_failed(shard, answer.reason, limit)
            return
        whole = self._manifest.shard_done(shard, answer.frames, answer.seconds)
        self._frames[shard.input] += answer.frames
        self._advance(answer.frames)
        if whole:
            self._assemble(self._manifest.input(shard.input))

    def _assemble(self, known: Known) -> None:
        """Make the results of an input of its parts."""
        shards = self._manifest.shards(known.id)
        made = [self._part(known, shard) for shard in shards]
        first = parts.read_facts(made[0]) or {}
        if known.input.kind == BAG and len(made) > 1 and not first.get('frames', {}).get('done'):
            # The latched classes come with the first image: here in a part that does not know it.
            for part in made:
                shutil.rmtree(part, ignore_errors=True)
            self._manifest.cut_anew(known.id, known.frames)
            self._advance(-self._frames.pop(known.id, 0))
            return
        try:
            if not self._manifest.is_unchanged(known):
                reason = 'it was changed while it was read: start again'
                self._manifest.input_failed(known.id, reason, 0)
                return
            facts = {'input': known.input.source, 'sha256': known.sha256, 'shards': len(made)}
            parts.assemble(made, self._result(known), facts)
        except OSError as error:
            self._stopped = self._stopped or f'{error.filename or "disk"}: {error.strerror}'
            return
        self._input_done(known)

    def _input_done(self, known: Known) -> None:
        self._manifest.input_done(known.id)
        self._frames.pop(known.id, None)
        self._drop(known)
        self._deliver(known.name)

    def _drop_late(self, shard: Shard) -> None:
        """Remove the part of a worker that was second, where the first one's is used already."""
        known = self._manifest.input(shard.input)
        if known.state == DONE or shard not in self._manifest.shards(known.id):
            shutil.rmtree(self._part(known, shard), ignore_errors=True)
        if known.state == DONE:
            # It may have been copied again for that worker.
            remote.drop(known.input)

    def _drop(self, known: Known) -> None:
        """Remove what an input that is done needs no more."""
        for shard in self._manifest.shards(known.id):
            shutil.rmtree(self._part(known, shard), ignore_errors=True)
        remote.drop(known.input)
