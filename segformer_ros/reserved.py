# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Names that one process of this computer holds, for what is free but not used yet."""

from __future__ import annotations

import socket


def reserve(name: str) -> int | None:
    """
    Hold a name; Linux takes it back when the handle is closed or the process ends.

    :returns: A file handle for os.close; None where another holder has the name.
    """
    # Of Linux: a name that starts with a zero byte is no file.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as holder:
        try:
            holder.bind(f'\0segformer_ros {name}')
        except OSError:
            return None
        return holder.detach()
