# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Damage to bytes, texts and trees of JSON, drawn so that it can be made smaller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import copy
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

_ODD_BYTES = st.binary(min_size=0, max_size=6) | st.sampled_from(
    [b'\xff\xd8', b'\xff\xd9', b'\xff\xc0', b'IEND', b'\x00' * 4, b'\xff' * 4, b'{', b'"']
)
_ODD_VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats(width=64)
    | st.text(max_size=8)
    | st.sampled_from([[], {}, [[]], {'': 0}, '../x', '/', 1e308, -1, 0, 10**400])
)
_PLACES = st.floats(0.0, 1.0)


_EDITS = st.lists(st.tuples(st.sampled_from('cutfliz'), _PLACES, _PLACES, _ODD_BYTES), max_size=4)


def damage() -> SearchStrategy[list[tuple[str, float, float, bytes]]]:
    """Draw up to four places that are cut, repeated or replaced."""
    return _EDITS


def all_damaged(
    contents: Sequence[bytes], edits: list[tuple[str, float, float, bytes]]
) -> list[bytes]:
    """Do the same damage to each of some contents."""
    return [_damaged(content, edits) for content in contents]


def _damaged(content: bytes, edits: list[tuple[str, float, float, bytes]]) -> bytes:
    for kind, start, share, odd in edits:
        first = int(start * len(content))
        last = min(len(content), first + int(share * share * len(content)))
        if kind == 'c':  # cut off
            content = content[:first]
        elif kind == 'u':  # a part is missing
            content = content[:first] + content[last:]
        elif kind == 't':  # a part comes twice
            content = content[:last] + content[first:]
        elif kind == 'f':  # zeros, as a killed writer leaves
            content = content[:first] + bytes(last - first) + content[last:]
        elif kind == 'l':  # something was put in
            content = content[:first] + odd + content[first:]
        elif kind == 'i':  # something was overwritten
            content = content[:first] + odd + content[first + len(odd) :]
        else:  # a bit has flipped
            changed = bytearray(content)
            if first < len(changed):
                changed[first] ^= 1 << int(share * 7)
            content = bytes(changed)
    return content


def trees_from(tree: Any, *, most: int = 3) -> SearchStrategy[Any]:
    """Draw a tree of dictionaries and lists with up to so many values replaced or gone."""
    edits = st.lists(
        st.tuples(
            st.lists(st.integers(0, 40), min_size=1, max_size=6), _ODD_VALUES, st.booleans()
        ),
        max_size=most,
    )
    return st.builds(lambda changes: _edited(tree, changes), edits)


def _edited(tree: Any, edits: list[tuple[list[int], Any, bool]]) -> Any:
    tree = copy.deepcopy(tree)
    for path, value, gone in edits:
        node = tree
        for number, step in enumerate(path):
            if not isinstance(node, (dict, list)) or not node:
                break
            keys: Sequence[Any] = list(node) if isinstance(node, dict) else range(len(node))
            key = keys[step % len(keys)]
            if number + 1 < len(path) and isinstance(node[key], (dict, list)) and node[key]:
                node = node[key]
                continue
            if gone:
                del node[key]
            else:
                node[key] = copy.deepcopy(value)
            break
    return tree


def raises_only(errors: tuple[type[BaseException], ...], call: Callable[[], Any]) -> Any:
    """Return what a call returns; None where it raised one of these errors, with a message."""
    try:
        return call()
    except errors as error:
        said = str(error).strip()
    if not said:
        raise AssertionError('an error without a message')
    return None
