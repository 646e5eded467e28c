# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reading and writing the manifest of a bundle behind its back."""

import json

GRAPH, GOLDEN = 'network_64x128.onnx', 'golden_64x128.npz'


def content_of(folder):
    """Return what the manifest of a bundle holds."""
    return json.loads((folder / 'manifest.json').read_text())


def put(folder, content):
    """Write another manifest over that of a bundle."""
    (folder / 'manifest.json').write_text(json.dumps(content))


def sentence_of(caught):
    """Return the message, which must be one line: expected this, found that: do this."""
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert ': expected ' in text
    assert ', found ' in text
    return text
