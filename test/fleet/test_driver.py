# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every shard once, whatever becomes of workers, disks and files; workers are a double here."""

import errno
import os

import numpy as np
import pytest
from recordings_builder import write_images, write_video
from segformer_ros.fleet import parts
from segformer_ros.fleet.database import ManifestError
from segformer_ros.fleet.driver import Driver, Rules, StoppedError
from segformer_ros.fleet.inputs import find
from segformer_ros.fleet.manifest import FILE, Manifest
from segformer_ros.fleet.pool import Outcome
from segformer_ros.fleet.records import DONE, FAILED
from segformer_ros.fleet.settings import Settings
from segformer_ros.fleet.work import Compute, Worker


class OneWorker:
    """Does tasks in this process; some kill it, some are not finished when the driver dies."""

    def __init__(self, settings, deadly=lambda task: False):
        self.worker = Worker(settings, 1)
        self.deadly = deadly
        self.waiting = []
        self.computed = []

    def free(self):
        """Take one task at a time."""
        return 1 - len(self.waiting)

    def pending(self):
        """Have no other worker."""
        return False

    def submit(self, key, task):
        """Keep a task."""
        self.waiting.append((key, task))

    def wait(self, timeout_s):
        """Do it now."""
        key, task = self.waiting.pop()
        if isinstance(task, Compute):
            self.computed.append((task.input.path.name, task.shard.number))
        if self.deadly(task):
            return [Outcome(key, None, 'its worker was ended by SIGKILL')]
        return [Outcome(key, self.worker.do(task))]


@pytest.fixture
def start(model, tmp_path):
    """Start a labelling; the result is the worker, and the state of every input."""
    settings = Settings(str(model), 'onnxruntime', '')

    def run(*inputs, deadly=lambda task: False, retry=False, shard_frames=2, seen=None):
        worker = OneWorker(settings, deadly)
        manifest = Manifest(tmp_path / 'out' / FILE)
        try:
            manifest.begin(retry)
            manifest.add(find([str(item) for item in inputs]))

            def advance(frames):
                if seen is not None:
                    seen.append((frames, manifest.frames_done(), manifest.frames_known()))

            Driver(tmp_path / 'out', manifest, worker, Rules(shard_frames, 3), advance).run()
            states = {item.name: item.state for item in manifest.known()}
            return worker, states, list(manifest.failures())
        finally:
            manifest.close()

    (tmp_path / 'out').mkdir()
    return run


def is_shard(name, number):
    """Return what knows the task of a shard."""
    return lambda task: (
        isinstance(task, Compute) and (task.input.path.name, task.shard.number) == (name, number)
    )


def test_a_poison_shard_is_given_up_after_three_tries(start, tmp_path):
    """The others of its input and all other inputs are done; it is named with its reason."""
    poison, good = write_images(tmp_path / 'poison', 6), write_images(tmp_path / 'good', 3, 1)
    worker, states, failures = start(poison, good, deadly=is_shard('poison', 1))
    assert states == {'poison': FAILED, 'good': DONE}
    assert worker.computed.count(('poison', 1)) == 3
    assert worker.computed.count(('poison', 2)) == 1
    (failure,) = failures
    assert (failure['shard'], failure['tries']) == (1, 3)
    assert failure['reason'] == 'its worker was ended by SIGKILL'
    assert not (tmp_path / 'out' / 'results' / 'poison').exists()
    worker, states, _ = start(poison, good)
    assert worker.computed == []
    worker, states, failures = start(poison, good, retry=True)
    assert worker.computed == [('poison', 1)]
    assert (states['poison'], failures) == (DONE, [])
    assert len(list((tmp_path / 'out/results/poison/label').iterdir())) == 6


def test_the_time_left_is_by_frames_as_they_are(start, tmp_path):
    """The header of the video says 13, there are 11; also where a driver died before its end."""
    video, seen = write_video(tmp_path / 'a.flv', 11), []

    def die(task):
        if isinstance(task, Compute) and task.shard.last is None:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        start(video, deadly=die, seen=seen, shard_frames=4)
    assert [known for _, _, known in seen] == [13] * len(seen)
    start(video, seen=seen, shard_frames=4)
    assert seen[-1][1:] == (11, 11)
    assert sum(frames for frames, _, _ in seen) == 11


def test_a_driver_that_dies_loses_nothing_and_does_nothing_twice(start, tmp_path):
    """What was running is done by the next one, and counts as no try."""
    folder = write_images(tmp_path / 'night', 7)

    def die(task):
        if is_shard('night', 2)(task):
            raise KeyboardInterrupt
        return False

    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            start(folder, deadly=die)
    worker, states, _ = start(folder)
    assert worker.computed == [('night', 2), ('night', 3)]
    assert states == {'night': DONE}
    assert list((tmp_path / 'out' / 'parts').iterdir()) == []


def test_a_part_that_was_made_before_the_driver_died_is_taken(start, model, tmp_path):
    """The driver had not heard of it."""
    folder = write_images(tmp_path / 'night', 4)

    def die_behind(task):
        if is_shard('night', 1)(task):
            assert Worker(Settings(str(model), 'onnxruntime', ''), 1).do(task).reason == ''
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        start(folder, deadly=die_behind)
    worker, states, _ = start(folder)
    assert (worker.computed, states) == ([], {'night': DONE})


@pytest.mark.parametrize('lost', [False, True])
def test_the_disk_decides_whether_an_input_is_done(start, tmp_path, lost):
    """Results that are there are taken, those that are not there are made again."""
    folder, out = write_images(tmp_path / 'night', 4), tmp_path / 'out'
    start(folder)
    if lost:
        (out / 'results' / 'night').rename(tmp_path / 'elsewhere')
    else:
        manifest = Manifest(out / FILE)
        manifest.forget(1)
        manifest.close()
    worker, states, _ = start(folder)
    assert states == {'night': DONE}
    assert [number for _, number in worker.computed] == ([0, 1] if lost else [])


def test_a_full_disk_ends_the_run_and_gives_up_nothing(start, tmp_path, monkeypatch):
    """No shard is to blame; the next start does what is missing."""
    folder = write_images(tmp_path / 'night', 6)
    write, calls = parts._flush, []

    def full(place):
        calls.append(place)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place))
        write(place)

    monkeypatch.setattr(parts, '_flush', full)
    with pytest.raises(StoppedError, match=r'No space left on device: .* start again'):
        start(folder)
    monkeypatch.undo()
    worker, states, failures = start(folder)
    assert [number for _, number in worker.computed] == [1, 2]
    assert (states, failures) == ({'night': DONE}, [])


def test_a_damaged_input_fails_at_once_and_alone(start, tmp_path):
    """No second try: it would say the same."""
    good = write_images(tmp_path / 'good', 1)
    (tmp_path / 'a.mcap').write_bytes(b'no bag')
    _, states, failures = start(tmp_path / 'a.mcap', good)
    assert states == {'a.mcap': FAILED, 'good': DONE}
    (failure,) = failures
    assert failure['tries'] == 1
    assert 'damaged or of another kind' in failure['reason']


def test_the_same_content_is_computed_once(start, tmp_path):
    """Under another name, and again after its time of change alone has changed."""
    one, other = write_images(tmp_path / 'one', 2), write_images(tmp_path / 'other', 2)
    worker, states, _ = start(one, other)
    assert states == {'one': DONE, 'other': 'same'}
    assert worker.computed == [('one', 0)]
    os.utime(one / '000.png')
    worker, states, _ = start(one)
    assert worker.computed == []


def test_an_input_that_changed_has_results_of_its_own(start, tmp_path):
    """Nothing is overwritten."""
    folder = write_images(tmp_path / 'night', 2)
    start(folder)
    write_images(folder, 1, 9)
    _, states, _ = start(folder)
    assert len(states) == 2
    assert set(states.values()) == {DONE}
    names = [len(list((tmp_path / 'out/results' / name / 'label').iterdir())) for name in states]
    assert sorted(names) == [2, 3]


def test_an_input_that_changes_while_it_is_read_fails(start, tmp_path):
    """Its shards are not of one content."""
    folder = write_images(tmp_path / 'night', 4)

    def change(task):
        if is_shard('night', 1)(task):
            write_images(folder, 1, 3)
            os.utime(folder / '003.png', (1, 1))
        return False

    _, states, failures = start(folder, deadly=change)
    assert states == {'night': FAILED}
    assert failures == []


class TwoWorkers(OneWorker):
    """The first worker that gets a certain shard never ends."""

    def free(self):
        """Have two of them."""
        return 2 - len(self.waiting)

    def wait(self, timeout_s):
        """Do a task that does not hang."""
        hung = [item for item in self.waiting if self.deadly(item[1])][:1]
        for item in self.waiting:
            if item not in hung:
                self.waiting.remove(item)
                self.computed.append(item[1])
                return [Outcome(item[0], self.worker.do(item[1]))]
        return []


def test_a_shard_that_takes_too_long_is_done_by_another_worker(model, tmp_path):
    """The first one that ends counts; nobody waits for the other."""
    folder, out = write_images(tmp_path / 'night', 8), tmp_path / 'out'
    out.mkdir()
    worker = TwoWorkers(Settings(str(model), 'onnxruntime', ''), is_shard('night', 1))
    manifest = Manifest(out / FILE)
    manifest.add(find([str(folder)]))
    ticks = iter(range(0, 10**6, 25))
    driver = Driver(out, manifest, worker, Rules(2, 3), clock=lambda: next(ticks))
    driver.run()
    done = [task.shard.number for task in worker.computed if isinstance(task, Compute)]
    assert sorted(done) == [0, 1, 2, 3]
    assert manifest.counts() == {DONE: 1}
    assert len(worker.waiting) == 1
    rows = driver.tally.table()
    assert [(row['shards'], row['frames'], row['failed']) for row in rows] == [(4, 8, 0)]
    # The other one ends after all of its input was done, before it could be stopped.
    assert worker.worker.do(worker.waiting[0][1]).reason == ''
    assert len(list((out / 'parts').iterdir())) == 1
    driver.tidy()
    assert list((out / 'parts').iterdir()) == []
    manifest.close()
    assert len(list((out / 'results' / 'night' / 'label').iterdir())) == 8


def test_only_parts_that_are_still_wanted_stay(start, tmp_path):
    """Those of an input that failed are wanted: it may be tried again."""
    folder, out = write_images(tmp_path / 'night', 6), tmp_path / 'out'
    start(folder, deadly=is_shard('night', 1))
    kept = {item.name for item in (out / 'parts').iterdir()}
    assert len(kept) == 2
    # As the second worker of another cut of this input would leave it.
    (out / 'parts' / f'{min(kept)[:24]}-00001--').mkdir()
    start()
    assert {item.name for item in (out / 'parts').iterdir()} == kept


def test_a_part_of_another_cut_has_another_name():
    """Else a second worker's late one would be taken for that of the new cut."""
    names = [parts.part_name('a' * 64, 0, span) for span in ((None, 5), (None, None), (0, 5))]
    assert len(set(names)) == 3


def test_progress_counts_the_frames_that_are_done_of_those_known(start, tmp_path):
    """The shard that has just been done is one of them."""
    seen = []
    start(write_images(tmp_path / 'night', 5), seen=seen)
    assert seen == [(2, 2, 5), (2, 4, 5), (1, 5, 5)]


def test_two_drivers_of_one_folder_are_refused(tmp_path):
    """The second one says so, the first one keeps its state."""
    first = Manifest(tmp_path / FILE)
    with pytest.raises(ManifestError, match='another process is labelling into'):
        Manifest(tmp_path / FILE)
    assert first.counts() == {}
    first.close()
    Manifest(tmp_path / FILE).close()


def test_a_part_is_made_once_by_the_first_worker(tmp_path):
    """The second one leaves nothing, nor does one that fails."""
    place = tmp_path / 'part'
    assert parts.make(place, lambda folder: (folder / 'a').write_text('first'))
    assert not parts.make(place, lambda folder: (folder / 'a').write_text('second'))
    with pytest.raises(ZeroDivisionError):
        parts.make(tmp_path / 'other', lambda folder: 1 / 0)
    assert [item.name for item in tmp_path.iterdir()] == ['part']
    assert (place / 'a').read_text() == 'first'


def test_names_of_results_differ(start, tmp_path):
    """As the files, with more of the path where that is taken."""
    one = write_images(tmp_path / 'monday' / 'front', 1)
    other = write_images(tmp_path / 'tuesday' / 'front', 1, 5)
    _, states, _ = start(one, other)
    assert list(states) == ['front', 'tuesday__front']
    assert np.all([state == DONE for state in states.values()])
