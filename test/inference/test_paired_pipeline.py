# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two networks in one bundle give what each gives alone, and are refused where one is wrong."""

import json
import shutil
import threading
from time import perf_counter

import cv2
import numpy as np
import pytest
from segformer_ros import bundle
from segformer_ros.cli import main
from segformer_ros.evaluation.bundle_network import load as load_network
from segformer_ros.evaluation.prediction import Inference, predict
from segformer_ros.inference.backend import EngineMissingError
from segformer_ros.inference.pipeline import Options, Pipeline
from segformer_ros.inference.schedule import Schedule, TURNS, WARM_UP
from tiny_bundle import make_tiny_bundle

LABELS_HW, DEPTH_HW = (64, 128), (32, 96)


@pytest.fixture(scope='module')
def pair(tmp_path_factory):
    """Make a bundle of two networks, and the folders of both."""
    folder = tmp_path_factory.mktemp('pair')
    labels = make_tiny_bundle(folder / 'a', sizes=[LABELS_HW])
    depth = make_tiny_bundle(folder / 'b', sizes=[DEPTH_HW], activation='metric')
    assert main(['export', str(labels), str(depth), str(folder / 'roads')]) == 0
    return folder / 'roads', labels, depth


@pytest.fixture
def image():
    """Make an image of a size of its own."""
    return bundle.golden_image(3, 90, 160)


def load(path):
    """Load a bundle quickly."""
    return Pipeline.load(path, backend='onnxruntime', threads=1, compiled=False)


def test_each_network_gives_what_it_gives_alone(pair, image):
    """Labels are those of the first, depth is that of the second, sky excepted."""
    both, labels, depth = (load(path) for path in pair)
    found = both.predict(image, focal_length_px=90.0)
    alone = labels.predict(image)
    expected = depth.predict(image, focal_length_px=90.0, options=Options(sky_depth='keep')).depth
    sky = alone.labels == 11
    assert 0 < sky.sum() < sky.size
    np.testing.assert_array_equal(found.labels, alone.labels)
    assert np.isnan(found.depth[sky]).all()
    np.testing.assert_array_equal(found.depth[~sky], expected[~sky])
    assert 0.0 < found.timings.depth_network_s < found.timings.network_s


@pytest.mark.parametrize('backend', ['onnxruntime', 'openvino'])
def test_two_threads_give_the_same_bit_for_bit(pair, backend):
    """Of several images, each with its own focal length."""
    images = [bundle.golden_image(seed, 90, 160) for seed in range(3)]
    found = {}
    for way in ('sequential', 'parallel'):
        pipeline = Pipeline.load(pair[0], backend=backend, threads=1, compiled=False, schedule=way)
        found[way] = pipeline.predict_batch(images, [80.0, None, 95.0], Options(confidence=True))
        assert f'{way} as asked for' in pipeline.backend_reason
        pipeline.close()
    for one, other in zip(*found.values(), strict=True):
        for name in ('labels', 'depth', 'confidence'):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert other.timings.depth_network_s > 0.0


def test_times_on_two_threads_are_no_more_than_the_latency(pair, image):
    """They are those of the network that is ready last, not the sum of both."""
    pipeline = Pipeline.load(pair[0], backend='onnxruntime', threads=1, schedule='parallel')
    for _ in range(5):
        start = perf_counter()
        found = pipeline.predict(image).timings
        latency_s = perf_counter() - start
        assert 0.0 < found.preprocess_s + found.network_s + found.postprocess_s < latency_s


def test_auto_keeps_the_faster_way():
    """After turns of both, without those in which engines warm up."""
    now, ways = [0.0], []

    def work():
        name = threading.current_thread().name
        ways.append('parallel' if name.startswith('depth') else 'sequential')
        now[0] += 1.0 if ways[-1] == 'parallel' or len(ways) <= 2 * WARM_UP else 3.0

    schedule = Schedule(clock=lambda: now[0])
    for _ in range(2 * (WARM_UP + TURNS)):
        assert 'in turns' in schedule.reason
        schedule.both(lambda: None, work)
    assert ways[:4] == ['sequential', 'parallel'] * 2
    assert schedule.reason == 'parallel, the faster one: sequential 3000.0 ms, parallel 1000.0 ms'
    assert schedule.both(lambda: 1, lambda: 2) == (1, 2, True)
    schedule.close()


def test_an_error_waits_for_the_other_network():
    """Nothing uses its buffers afterwards; the error is that of the first."""
    schedule, ended = Schedule('parallel'), threading.Event()
    release = threading.Event()

    def fail():
        release.set()
        raise ValueError('labels')

    def last():
        assert release.wait(240.0)
        ended.set()
        raise ValueError('depth')

    with pytest.raises(ValueError, match='labels'):
        schedule.both(fail, last)
    assert ended.is_set()
    with pytest.raises(ValueError, match='depth'):
        schedule.both(lambda: 1, last)
    schedule.close()


def test_an_unknown_schedule_is_refused(pair):
    """Also for one network, which has no choice."""
    for path in pair[:2]:
        with pytest.raises(ValueError, match='schedule must be one of auto, sequential, parallel'):
            Pipeline.load(path, backend='onnxruntime', schedule='both')


def test_manifest_says_what_both_are(pair):
    """Classes of the first, camera of the second."""
    both, labels, depth = (bundle.read(path).manifest for path in pair)
    assert both.name == 'roads'
    assert both.tasks == ('segmentation', 'depth')
    assert both.classes == labels.classes
    assert both.depth == depth.depth
    assert both.focal_length_px == depth.focal_length_px


@pytest.mark.parametrize('wanted', ['segmentation', 'depth'])
def test_a_task_that_is_off_is_not_given(pair, image, wanted):
    """Whichever it is; sky is still looked for where depth is wanted."""
    options = Options(segmentation=wanted == 'segmentation', depth=wanted == 'depth')
    pipeline = load(pair[0])
    found = pipeline.predict(image, options=options)
    both = pipeline.predict(image)
    assert (found.labels is None) == (wanted == 'depth')
    assert (found.depth is None) == (wanted == 'segmentation')
    if wanted == 'depth':
        np.testing.assert_array_equal(found.depth, both.depth)
    else:
        assert found.timings.depth_network_s == 0.0


@pytest.mark.parametrize('kept', ['inf', 'keep'])
def test_sky_is_what_the_options_say(pair, image, kept):
    """As with one network."""
    pipeline = load(pair[0])
    found = pipeline.predict(image, options=Options(sky_depth=kept))
    there = found.depth[found.labels == 11]
    assert np.isinf(there).all() if kept == 'inf' else np.isfinite(there).all()


def test_evaluation_asks_both(pair, image):
    """What is evaluated is what the pipeline gives."""
    network, engine = load_network(pair[0], backend='onnxruntime', threads=1)
    found = predict(network, image, 90.0, Inference())
    expected = load(pair[0]).predict(
        image, focal_length_px=90.0, options=Options(sky_depth='keep', min_depth_m=1e-3)
    )
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.depth, expected.depth, rtol=1e-6)
    assert network.facts.name == 'roads'
    assert engine.startswith('onnxruntime')


def test_commands_take_it(pair, tmp_path, capsys, image):
    """Info shows both networks; run, bench and export read it."""
    assert main(['info', str(pair[0]), '--backend', 'onnxruntime']) == 0
    text = capsys.readouterr().out
    assert text.count('golden check') == 2
    assert '64x128' in text
    assert '32x96' in text
    cv2.imwrite(str(tmp_path / 'image.png'), image[..., ::-1])
    words = [
        'run',
        str(tmp_path / 'image.png'),
        '--model',
        str(pair[0]),
        '--backend',
        'onnxruntime',
    ]
    assert main([*words, '--out', str(tmp_path / 'out')]) == 0
    assert sorted(p.parent.name for p in (tmp_path / 'out').glob('*/image.png')) != []
    words = ['bench', str(pair[0]), '--backend', 'onnxruntime', '--repeats', '2', '--json']
    capsys.readouterr()
    assert main(words) == 0
    text_of_bench = capsys.readouterr().out
    auto = json.loads(text_of_bench)['tables'][0]['auto']
    assert 'labels: ' in auto['engine']
    assert 'depth: ' in auto['engine']
    table = json.loads(text_of_bench)['tables'][0]
    assert [item['schedule'] for item in table['backends']] == ['sequential', 'parallel']
    assert table['faster_schedules']['onnxruntime'] in {'sequential', 'parallel'}
    assert main(words[:-1]) == 0
    assert 'faster schedule' in capsys.readouterr().out


def test_the_report_of_a_run_has_the_schedule_that_was_found(pair, tmp_path):
    """With both times, and not the one of the start."""
    (tmp_path / 'in').mkdir()
    for number in range(2 * (WARM_UP + TURNS)):
        pixels = bundle.golden_image(number, 16, 24)
        cv2.imwrite(str(tmp_path / 'in' / f'{number:02}.png'), pixels)
    words = ['run', str(tmp_path / 'in'), '--model', str(pair[0]), '--out', str(tmp_path / 'out')]
    assert main([*words, '--backend', 'onnxruntime', '--threads', '1', '--no-overlay']) == 0
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert 'the faster one: sequential ' in report['backend_reason']
    assert ' ms, parallel ' in report['backend_reason']


@pytest.mark.parametrize(
    ('damage', 'expected'),
    [
        (lambda p: shutil.rmtree(p / 'depth'), 'expected a folder'),
        (lambda p: (p / 'labels' / 'weights.bin').write_bytes(b'x'), 'sha256'),
        (lambda p: (p / 'more.onnx').write_bytes(b'x'), 'more.onnx'),
        (lambda p: shutil.copytree(p / 'labels', p / 'depth', dirs_exist_ok=True), 'sha256'),
    ],
    ids=['missing network', 'damaged weights', 'another file', 'exchanged network'],
)
def test_damage_is_refused(pair, tmp_path, damage, expected):
    """In either network."""
    broken = shutil.copytree(pair[0], tmp_path / 'broken')
    damage(broken)
    with pytest.raises(bundle.BundleError, match=expected):
        bundle.read(broken)


def test_networks_in_the_wrong_order_are_refused(pair, tmp_path, capsys):
    """One that has the task is needed in each place; nothing is written."""
    labels = tmp_path / 'only'
    make_labels_alone(pair[1], labels)
    assert main(['export', str(pair[2]), str(labels), str(tmp_path / 'new')]) == 1
    assert 'labels first and that of depth second' in capsys.readouterr().err
    assert main(['export', str(pair[0]), str(pair[2]), str(tmp_path / 'new')]) == 1
    assert 'two networks' in capsys.readouterr().err
    assert not (tmp_path / 'new').exists()


def test_engines_that_both_lack_are_asked_for_together(pair):
    """So that one build makes all."""
    opened = []

    def choose(part):
        opened.append(part.path.name)
        raise EngineMissingError(f'no engine of {part.path.name}', (part.path.name,))

    with pytest.raises(EngineMissingError) as caught:
        Pipeline.open(bundle.read(pair[0]), choose)
    assert opened == ['labels', 'depth']
    assert caught.value.requests == ('labels', 'depth')


def test_quantize_names_the_way(pair, tmp_path, capsys):
    """Its networks are quantised one by one."""
    words = ['quantize', str(pair[0]), str(tmp_path / 'q'), '--calibration', str(tmp_path)]
    assert main(words) == 1
    assert 'two networks' in capsys.readouterr().err


def make_labels_alone(source, folder):
    """Copy a tiny bundle without its depth."""
    import onnx
    from onnx import utils

    found = bundle.read(source)
    content = json.loads((source / 'manifest.json').read_text())
    for key in ('format_version', 'files', 'depth_range_m', 'focal_length_px'):
        del content[key]
    content['tasks'] = ['segmentation']
    del content['outputs']['depth'], content['tolerance']['depth']
    del content['arithmetic']['parameters']['depth_head']
    files = {}
    for size, entry in zip(found.manifest.input_sizes, content['input_sizes'], strict=True):
        graph = entry['graphs'][0]
        graph['outputs'] = ['logits']
        del graph['error']['depth']
        file = graph['file']
        model = utils.Extractor(onnx.load(source / file)).extract_model(['image'], ['logits'])
        files[file] = model.SerializeToString()
        golden = {'logits': found.golden(size)[1]['logits']}
        files[size.golden_outputs] = bundle.pack_golden(golden)
    bundle.write(folder, content, files)
