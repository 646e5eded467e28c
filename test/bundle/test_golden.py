# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The golden input and its expected outputs."""

import hashlib
import math

from bundle_damage import GOLDEN, sentence_of
import numpy as np
import pytest
from segformer_ros import bundle


def test_the_golden_input_and_its_outputs_are_at_hand(original):
    """The image follows from the seed, the outputs have the shapes of the manifest."""
    read = bundle.read(original)
    (size,) = read.manifest.input_sizes
    image, outputs = read.golden(size)
    np.testing.assert_array_equal(image, bundle.golden_image(7, 64, 128))
    shapes = {name: value.shape for name, value in outputs.items()}
    assert shapes == {'logits': (1, 5, 16, 32), 'depth': (1, 1, 16, 32)}
    assert all(value.dtype == np.float32 for value in outputs.values())


def test_the_golden_image_is_the_same_everywhere():
    """Integer arithmetic only: the bytes are fixed for good."""
    image = bundle.golden_image(7, 50, 90)
    assert (image.shape, image.dtype) == ((50, 90, 3), np.uint8)
    digest = hashlib.sha256(image.tobytes()).hexdigest()
    assert digest.startswith('f913542676bc6aa3')
    assert np.ptp(image) > 150
    assert not np.array_equal(image, bundle.golden_image(8, 50, 90))
    assert bundle.golden_image(0, 1, 1).shape == (1, 1, 3)
    with pytest.raises(ValueError, match='expected a size and a seed'):
        bundle.golden_image(-1, 5, 5)


@pytest.mark.parametrize(
    ('outputs', 'expected'),
    [
        (b'nothing', r'a file that cannot be read \(ValueError\)'),
        (b'PK\x03\x04 cut off', r'a file that cannot be read \(BadZipFile\)'),
        ({'logits': (1, 5, 16, 32)}, 'expected outputs of shapes'),
        ({'logits': (1, 5, 16, 31), 'depth': (1, 1, 16, 32)}, 'expected outputs of shapes'),
        ({'logits': (1, 5, 16, 32), 'depth': math.nan}, 'expected finite float32 depth'),
    ],
)
def test_golden_outputs_that_are_none_are_refused(folder, outputs, expected):
    """Their sha256 may be right all the same."""
    data = outputs
    if not isinstance(outputs, bytes):
        arrays = {
            name: np.zeros(shape) if isinstance(shape, tuple) else np.full((1, 1, 16, 32), shape)
            for name, shape in outputs.items()
        }
        data = bundle.pack_golden(arrays)
    (folder / GOLDEN).write_bytes(data)
    read = bundle.read(folder, verify=False)
    with pytest.raises(bundle.BundleError, match=expected) as caught:
        read.golden(read.manifest.input_sizes[0])
    sentence_of(caught)
