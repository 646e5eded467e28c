# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Workers of Ray: the same results, and nothing lost nor twice when a node is killed."""

from collections import Counter
import json
import socket
import time
from urllib.request import urlopen

from label_process import begin
import pytest
from recordings_builder import write_images

pytest.importorskip('ray', reason='the workers are of Ray: make test-fleet')

from ray.cluster_utils import Cluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings('ignore::ResourceWarning'),
    pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning'),
]


@pytest.fixture(autouse=True)
def workers_are_not_nice(monkeypatch):
    """Let them have their share of a busy machine: Ray's own have a niceness of 15."""
    monkeypatch.setenv('RAY_worker_niceness', '0')


def names_in(folder):
    """List what is there, but for what is not whole."""
    return sorted(i.name for i in folder.iterdir() if i.name[0] != '.') if folder.is_dir() else []


def test_a_node_that_is_killed_in_the_middle_costs_nothing(model, tmp_path):
    """Its shards are computed on the other node, and all of them are there once."""
    folder, out = write_images(tmp_path / 'night', 40), tmp_path / 'out'
    head = {'num_cpus': 0, 'include_dashboard': False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        process = begin(
            model, folder, out, '--address', cluster.address, '--threads', '1',
            '--shard-frames', '2',
        )  # fmt: skip
        deadline = time.monotonic() + 300
        while len(names_in(out / 'parts')) < 2 and process.poll() is None:
            assert time.monotonic() < deadline, 'no part after five minutes'
            time.sleep(0.02)
        cluster.remove_node(nodes[0], allow_graceful=False)
        assert process.poll() is None, 'the driver had ended before the node was killed'
        said, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
        assert '1 inputs with 40 frames are done' in said
    finally:
        cluster.shutdown()
    assert len(names_in(out / 'results' / 'night' / 'label')) == 40
    report = json.loads((out / 'report.json').read_text())
    assert report['shards'] == {'done': 20}
    assert names_in(out / 'parts') == []
    alone = begin(model, folder, tmp_path / 'alone', '--workers', '1')
    _, error = alone.communicate(timeout=300)
    assert alone.returncode == 0, error
    for kind in ('label', 'depth'):
        made = out / 'results' / 'night' / kind
        for path in made.iterdir():
            assert (
                path.read_bytes()
                == (tmp_path / f'alone/results/night/{kind}' / path.name).read_bytes()
            )


def test_prometheus_finds_what_is_done(model, tmp_path):
    """At the port of a node's metrics, and the link of the dashboard is printed."""
    pytest.importorskip('aiohttp_cors', reason="'ray[default]' has metrics: make test-fleet")
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    head = {'num_cpus': 1, 'include_dashboard': True, 'metrics_export_port': port}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        folder = write_images(tmp_path / 'night', 7)
        process = begin(
            model, folder, tmp_path / 'out', '--address', cluster.address, '--threads', '1',
            '--shard-frames', '3',
        )  # fmt: skip
        _, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
        assert 'segformer: dashboard of Ray: http://127.0.0.1:' in error
        deadline, found = time.monotonic() + 60, {}
        while found.get('ray_segformer_label_frames_total') != 7:
            assert time.monotonic() < deadline, found
            found = metrics_at(port)
        assert found['ray_segformer_label_shards_total'] == 3
        assert found['ray_segformer_label_shard_seconds_count'] == 3
    finally:
        cluster.shutdown()


def metrics_at(port):
    """Sum up our metrics by name."""
    found = Counter()
    with urlopen(f'http://127.0.0.1:{port}/metrics', timeout=30) as answer:
        for line in answer.read().decode().splitlines():
            name, _, rest = line.partition('{')
            if 'segformer' in name and not line.startswith('#'):
                found[name] += float(rest.rpartition(' ')[2])
    return found


def test_a_cluster_that_is_not_there_is_one_sentence(model, tmp_path):
    """Nothing is started in its place."""
    folder = write_images(tmp_path / 'night', 1)
    process = begin(model, folder, tmp_path / 'out', '--address', '127.0.0.1:1')
    _, error = process.communicate(timeout=300)
    assert process.returncode == 1
    assert 'expected a Ray cluster at 127.0.0.1:1' in error.splitlines()[-1]
