# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a graph takes its weights from: from files of its bundle, and nowhere else."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
import re

from segformer_ros.bundle.errors import BundleError

_KEY = b'location'
# An entry of TensorProto.external_data: field 1 is the key, field 2 the value, both with a length
# before them. Names in a bundle are shorter than 128 bytes, so that their length is one byte.
_ENTRY = re.compile(rb'\x0a\x08location\x12([\x01-\x7f])', re.DOTALL)


def check_weights_of_graph(graph: Path, names: Container[str]) -> None:
    """
    Refuse a graph that refers to any file that its manifest does not name.

    ONNX Runtime 1.23 follows absolute paths and paths through the parent folder. Every place where
    the graph has the key of such a reference must be one that is understood here.

    :param names: Names that may be referred to.
    :raises BundleError: The graph refers to something else.
    """
    content, texts = _read(graph)
    wrong = [text for text in texts if text not in names]
    if wrong or len(texts) != content.count(_KEY):
        what = repr(wrong[0]) if wrong else 'a reference of another form'
        expected = 'weights in files that the manifest names'
        raise BundleError(graph, expected=expected, found=what, do='export the network again')


def weights_of_graph(graph: Path) -> tuple[str, ...]:
    """
    Name the files that a graph takes its weights from, each once.

    :param graph: Of a bundle that was read and so checked.
    """
    return tuple(dict.fromkeys(_read(graph)[1]))


def _read(graph: Path) -> tuple[bytes, list[str]]:
    """Return the content of a graph, and the places that it refers to."""
    content = graph.read_bytes()
    entries = list(_ENTRY.finditer(content))
    found = [content[entry.end() : entry.end() + entry.group(1)[0]] for entry in entries]
    return content, [value.decode('utf-8', 'replace') for value in found]
