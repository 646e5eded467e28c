# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is written of a run: tables, what is asked for, and the picture."""

from comparison import plot, report
from comparison.requirements import requirements
import cv2
import pytest


def record(name, *, median_ms=100.0, precision='float32', **other):
    """Return what a run says of one candidate."""
    times = {'median_ms': median_ms, 'q1_ms': 0.9 * median_ms, 'q3_ms': 1.2 * median_ms}
    whole = {key: 1.1 * value for key, value in times.items()}
    return {
        'name': name,
        'title': name.replace('_', ' '),
        'precision': precision,
        'gmacs': 40.0,
        'network_mb': 1000.0,
        'whole_mb': 1100.0,
        'share_of_peak': 0.5,
        'network': times,
        'network_processor': times,
        'whole': whole,
        'whole_processor': whole,
        'ros2_benchmark': {
            'Mean Frame Rate (fps)': 1000.0 / whole['median_ms'],
            'Mean End-to-End Latency (ms)': whole['median_ms'],
        },
        'agreement': {
            'logits': 1e-6, 'depth': 2e-6, 'labels': 1.0, 'image_labels': 1.0, 'image_depth': 3e-6,
        },
        **other,
    }  # fmt: skip


def run_of(*records, model='b0', height=512, width=1024):
    """Return what a run says of one case."""
    return {
        'case': {'model': model, 'height': height, 'width': width},
        'camera': {'height': 800, 'width': 1280},
        'peak_gflops': {'float32': 200.0, 'bfloat16': 400.0},
        'matmul_gflops': {'onnxruntime': 200.0},
        'candidates': list(records),
        'left_out': {},
    }


def results_of(*cases, **other):
    """Return the results of a run."""
    return {
        'machine': {'processor': 'a processor', 'cores': '2', 'system': 'Linux', 'commit': 'abc'},
        'versions': {'numpy': '2'},
        'date': '2026-01-01',
        'command': 'bench/baselines.py',
        'repeats': 9,
        'cases': list(cases),
        **other,
    }


EAGER = record('hf_eager', median_ms=1000.0)
PLAIN = record('plain_onnxruntime', median_ms=400.0)
FAST = record('ours_onnxruntime', median_ms=100.0, gmacs=10.0, network_mb=300.0)


def test_tables_have_a_line_for_every_candidate():
    """Each candidate has its time, how much faster it is, and its agreement, in both tables."""
    text = report.markdown(results_of(run_of(EAGER, PLAIN, FAST)))
    line = (
        '| ours onnxruntime | 100.0 (90.0 to 120.0) | 100.0 | 10.00 | 4.00 | 300 | 10.00 | 50 % |'
    )
    assert line in text
    assert (
        '| plain onnxruntime | 440.0 (396.0 to 528.0) | 440.0 | 2.50 | 1.00 | 2.27 | 440.0' in text
    )
    assert 'Mean Frame Rate (fps)' in text


def test_almost_all_is_never_all():
    """One pixel of a million that differs is not hidden by rounding."""
    agreement = {**FAST['agreement'], 'labels': 1.0 - 1e-9}
    text = report.markdown(results_of(run_of(record('ours_x', agreement=agreement))))
    assert '| 99.9999 % |' in text


def test_candidates_left_out_are_named():
    """The reason stands under the table."""
    case = {**run_of(PLAIN), 'left_out': {'ours_x': 'ours_x: not installed'}}
    assert 'Left out: ours_x: not installed.' in report.markdown(results_of(case))


def test_trained_network_has_its_own_table():
    """Labels of backends of reduced precision on a trained network."""
    backends = {'openvino_bfloat16': {'labels': 0.9995, 'depth_median': 0.001, 'depth_p99': 0.02}}
    facts = {'model': 'w', 'frames': 3, 'reference': 'onnxruntime', 'backends': backends}
    facts['left_out'] = ['tensorrt']
    text = report.markdown(results_of(run_of(PLAIN), trained=facts))
    assert '| openvino_bfloat16 | 99.9500 % | 0.100 % | 2.00 % |' in text
    assert '| openvino_bfloat16: equal labels of w | 0.9995 |  | >= 0.999 | yes |' in text


def test_requirements_are_checked_on_their_case():
    """Faster than the limit holds, less arithmetic than the limit holds, slower does not."""
    slow = record('ours_openvino', median_ms=150.0, gmacs=10.0, network_mb=600.0)
    found = {
        item.text: item for item in requirements(results_of(run_of(EAGER, PLAIN, FAST, slow)))
    }
    assert found['ours onnxruntime: network, times Hugging Face eager'].found == 10.0
    assert found['ours onnxruntime: network, times Hugging Face eager'].holds
    assert not found['ours openvino: network, times plain ONNX Runtime'].holds
    assert found['ours onnxruntime: arithmetic of the plain graph'].found == 0.25
    assert found['ours onnxruntime: arithmetic of the plain graph'].holds
    assert not found['ours openvino: peak memory of the plain graph on ONNX Runtime'].holds
    best = found['ours onnxruntime: camera to images, times plain ONNX Runtime']
    assert best.found == pytest.approx(4.0)
    assert not best.holds


@pytest.mark.parametrize(
    'case', [run_of(PLAIN, FAST), run_of(EAGER, PLAIN, FAST, height=256, width=512)]
)
def test_requirements_need_their_case_and_both_baselines(case):
    """Another size, or a baseline that did not run, has no limits."""
    assert requirements(results_of(case)) == []


def test_picture_shows_every_case(tmp_path):
    """Two cases stand beside each other; ours is blue."""
    cases = [run_of(EAGER, PLAIN, FAST), run_of(EAGER, FAST, model='b2')]
    plot.write(results_of(*cases), tmp_path / 'picture.png')

    picture = cv2.imread(str(tmp_path / 'picture.png'))
    assert picture.shape[1] > 1.5 * picture.shape[0]
    blue = (picture[..., 0].astype(int) - picture[..., 2]) > 100
    half = picture.shape[1] // 2
    assert blue[:, :half].any()
    assert blue[:, half:].any()
