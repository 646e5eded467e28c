# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Single messages of a bag read again, while another reader goes through it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any
import warnings

from segformer_ros.bags.rosbag import BagError, BagReader, BagWarning


class Recall:
    """A second reader of a bag, to be used in a with statement; it is opened when it is asked."""

    def __init__(self, path: Path) -> None:
        """Remember the bag."""
        self._path = path
        self._opened = ExitStack()
        self._reader: BagReader | None = None

    def __enter__(self) -> Recall:
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def message(self, topic: str, time_ns: int, header: Any) -> Any:
        """
        Read a message again.

        :param time_ns: When it was received.
        :param header: Its header.
        :raises BagError: It is not there any more.
        """
        if self._reader is None:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore', BagWarning)
                self._reader = self._opened.enter_context(BagReader(self._path))
        reader = self._reader
        found = reader.messages([topic], start_ns=time_ns, stop_ns=time_ns + 1)
        for connection, _, raw in found:
            message = reader.deserialize(raw, connection.msgtype)
            if message.header == header:
                return message
        raise BagError(f'expected {topic} at {time_ns} ns in {self._path}: was it replaced?')
