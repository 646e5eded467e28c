# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Live messages of one stamp brought together; the newest stamp wins."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

_KEPT = 16
_PATIENCE_S = 10.0


class Gather:
    """
    What has come of the latest stamps.

    A stamp is complete when everything has come of it that was received of any stamp within the
    last ten seconds: a topic that falls silent is not waited for any longer. Older stamps are
    dropped then, and so are those that are too old when there are many: of frames that the
    network has dropped there is an image alone.

    :param steady: A clock in seconds that never jumps.
    """

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._waiting: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._received_s: dict[str, float] = {}

    def add(self, name: str, stamp_ns: int, message: Any) -> dict[str, Any] | None:
        """
        Take a message.

        :param name: Of the stream.
        :returns: The messages of a stamp by stream when they are complete.
        """
        now_s = self._steady()
        self._received_s[name] = now_s
        found = self._waiting.setdefault(stamp_ns, {})
        found[name] = message
        awaited = {
            other for other, at_s in self._received_s.items() if now_s - at_s <= _PATIENCE_S
        }
        if awaited <= found.keys():
            # By arrival, not by number: simulated time may jump back.
            while self._waiting.popitem(last=False)[0] != stamp_ns:
                pass
            return found
        if len(self._waiting) > _KEPT:
            self._waiting.popitem(last=False)
        return None
