# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The results of frames as files."""

import cv2
import numpy as np
import pytest
from segformer_ros.files.results import Results

_LABEL = np.array([[0, 7], [255, 24]], np.uint8)
_DEPTH = np.array([[1.25, np.nan], [80.0, 0.0004]], np.float32)


def test_labels_are_a_grey_png_of_class_ids(tmp_path):
    """One channel, eight bits, no palette, no loss."""
    results = Results(tmp_path, ('label',))
    results.write('a/b', label=_LABEL)
    stored = cv2.imread(str(tmp_path / 'label' / 'a' / 'b.png'), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(stored, _LABEL)


def test_npy_keeps_depth_as_it_is(tmp_path):
    """Float32 metres with NaN."""
    results = Results(tmp_path, ('depth',))
    results.write('a', depth=_DEPTH)
    stored = np.load(tmp_path / 'depth' / 'a.npy')
    assert stored.tobytes() == _DEPTH.tobytes()
    np.testing.assert_array_equal(results.read('a')[1], _DEPTH)
    assert results.as_stored(_DEPTH) is _DEPTH


def test_png16_keeps_depth_to_the_millimetre(tmp_path):
    """What is unknown, beyond 65 m or below half a millimetre is 0."""
    results = Results(tmp_path, ('depth',), 'png16')
    results.write('a', depth=_DEPTH)
    stored = cv2.imread(str(tmp_path / 'depth' / 'a.png'), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    assert stored.tolist() == [[1250, 0], [0, 0]]
    expected = np.array([[1.25, np.nan], [np.nan, np.nan]], np.float32)
    np.testing.assert_array_equal(results.read('a')[1], expected)
    np.testing.assert_array_equal(results.as_stored(_DEPTH), expected)


def test_a_frame_is_finished_when_all_its_files_are_there(tmp_path):
    """Kinds that are not wanted are not written and not waited for."""
    results = Results(tmp_path, ('label', 'depth'))
    assert not results.finished('a')
    results.write('a', label=_LABEL, confidence=_LABEL)
    assert not results.finished('a')
    results.write('a', depth=_DEPTH)
    assert results.finished('a')
    assert not (tmp_path / 'confidence').exists()
    label, depth, _ = results.read('a')
    np.testing.assert_array_equal(label, _LABEL)
    np.testing.assert_array_equal(depth, _DEPTH)


def test_an_unknown_depth_format_is_refused(tmp_path):
    """The known ones are named."""
    with pytest.raises(ValueError, match='npy, png16'):
        Results(tmp_path, (), 'exr')


def test_a_damaged_result_is_named(tmp_path):
    """Somebody else wrote over it."""
    results = Results(tmp_path, ('label',))
    results.write('a', label=_LABEL)
    results.path('label', 'a').write_bytes(b'x')
    with pytest.raises(ValueError, match=r'a\.png'):
        results.read('a')
