# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Between the messages of a bag and numpy: field by field what the live node publishes."""

from __future__ import annotations

from typing import Any

from rosbags.typesys.store import Typestore
from segformer_ros.output_topics.contents import Content

# Colour types of PNG (https://www.w3.org/TR/png-3/#3colourType): grey, and grey with alpha.
_PNG_GREY = (0, 4)


def compressed_encoding(compressed_format: str, data: Any) -> str:
    """
    Describe what was compressed, without decoding it.

    :param compressed_format: Field `format` of a CompressedImage, such as 'jpeg',
        'mono8; jpeg compressed ' or '16UC1; compressedDepth png'.
    :param data: Its bytes.
    :returns: An encoding where that is known; 'jpeg' for one of unknown colours; the format where
        it is neither JPEG nor PNG.
    """
    original, told, how = compressed_format.partition(';')
    if told:
        depth = ' compressedDepth' if 'compresseddepth' in how.lower() else ''
        return f'{original.strip()}{depth}'
    start = bytes(data[:26])
    if start[:2] == b'\xff\xd8':
        return 'jpeg'
    if start[:4] == b'\x89PNG' and len(start) == 26:
        bits, kind = start[24:]
        if kind not in _PNG_GREY:
            return 'rgb8'
        return '16UC1' if bits == 16 else 'mono8'
    return compressed_format.strip() or 'unknown format'


def bag_message(store: Typestore, content: Content) -> Any:
    """Make a message of the types of a store."""
    kind: Any = store.types[content.type]
    return kind(**{name: _as_stored(store, value) for name, value in content.fields.items()})


def _as_stored(store: Typestore, value: Any) -> Any:
    if isinstance(value, Content):
        return bag_message(store, value)
    if isinstance(value, list):
        return [_as_stored(store, item) for item in value]
    return value
