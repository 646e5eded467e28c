# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One file of weights for many graphs."""

from __future__ import annotations

import hashlib

from onnx import ModelProto, numpy_helper, TensorProto

# Smaller constants stay inside the graph, and so do whole numbers of any length: engines read
# shapes, and the sizes of a split in many parts, before they read other files.
_SHARED_BYTES = 256
_WHOLE_NUMBERS = (TensorProto.INT64, TensorProto.INT32)
_ALIGNMENT = 64


class WeightsFile:
    """
    The weights of several graphs, equal ones once.

    :param name: Of the file, next to the graphs.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._block = bytearray()
        self._places: dict[bytes, int] = {}

    @property
    def content(self) -> bytes:
        """Return what the file holds."""
        return bytes(self._block)

    def take(self, model: ModelProto) -> None:
        """Move the weights of a graph here; it then refers to this file."""
        for tensor in model.graph.initializer:
            if not tensor.HasField('raw_data'):
                array = numpy_helper.to_array(tensor)
                tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
            shared = tensor.data_type not in _WHOLE_NUMBERS
            if shared and len(tensor.raw_data) >= _SHARED_BYTES:
                _refer(tensor, self.name, self._place(tensor.raw_data), len(tensor.raw_data))

    def _place(self, data: bytes) -> int:
        digest = hashlib.sha256(data).digest()
        if digest not in self._places:
            self._block.extend(bytes(-len(self._block) % _ALIGNMENT))
            self._places[digest] = len(self._block)
            self._block.extend(data)
        return self._places[digest]


def _refer(tensor: TensorProto, file: str, offset: int, length: int) -> None:
    tensor.ClearField('raw_data')
    tensor.data_location = TensorProto.EXTERNAL
    facts = {'location': file, 'offset': str(offset), 'length': str(length)}
    for key, value in facts.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
