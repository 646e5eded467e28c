# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""MCAP files, whole or cut off."""

from __future__ import annotations

from pathlib import Path
import struct

from rosbags.rosbag2 import ReaderError
from rosbags.rosbag2.storage_mcap import ChunkInfo, decompress, McapReader
from segformer_ros.bags.damage import DAMAGE

_MAGIC = b'\x89MCAP0\r\n'
_CHUNK = 0x06
_IN_CHUNKS = frozenset({0x03, 0x04, 0x05})
# Behind these follows nothing but what the records before them say again.
_ENDS = frozenset({0x00, 0x02, 0x0F})


_NOTHING = (
    'it is unfinished or cut off before its first chunk is whole, so that no message can be read; '
    'a recorder with smaller chunks loses less'
)


class _NothingWholeError(ReaderError):
    """A file that begins as it should, and ends before its first message or chunk."""


class WholeChunks(McapReader):
    """An MCAP file; of one that was cut off, or never finished, the chunks that are whole."""

    note = ''
    """What is missing, '' where nothing is."""

    def open(self) -> None:
        """Open the file, by its index or else by its chunks."""
        try:
            super().open()
        except DAMAGE as error:
            try:
                self._open_without_index()
            except _NothingWholeError:
                raise
            except DAMAGE:
                raise ReaderError(str(error) or 'the file ends early') from error

    def _open_without_index(self) -> None:
        self.bio = self.path.open('rb')
        for kept in (self.schemas, self.channels, self.chunks, self.connections):
            kept.clear()
        try:
            header = self.bio.read(17)
            if header[:9] != _MAGIC + b'\x01':
                raise ReaderError('File magic is invalid.')
            self.data_start = 17 + int.from_bytes(header[9:], 'little')
            chunks = self._whole_records()
            self.meta_scan()
            found = self.statistics
            if found is None or not found.message_count:
                raise _NothingWholeError(_NOTHING)
        except BaseException:
            self.close()
            raise
        known = dict.fromkeys(self.channels, 1)
        self.chunks = [item._replace(channel_count=known) for item in chunks]
        self.connections = [
            item._replace(msgcount=found.channel_message_counts.get(item.id, 0))
            for item in self.connections
        ]
        duration = found.end_time - found.start_time
        self.metadata = self.metadata._replace(
            duration=duration + 1,
            start_time=found.start_time,
            end_time=found.end_time + 1,
            message_count=found.message_count,
        )
        name = Path(str(self.path)).name
        self.note = (
            f'{self.path} is unfinished or cut off: its whole chunks, {found.message_count} '
            f'messages over {duration / 1e9:.1f} s, are read, what came after them is lost '
            f'(`mcap recover {name} -o whole.mcap` makes a file with an index)'
        )

    def _whole_records(self) -> list[ChunkInfo]:
        """Find the end of what is whole, and the chunks before it."""
        assert self.bio
        size = self.bio.seek(0, 2)
        place, chunks = self.data_start, []
        while place + 9 <= size:
            self.bio.seek(place)
            start = self.bio.read(9)
            end = place + 9 + int.from_bytes(start[1:], 'little')
            if start[0] in _ENDS or end > size:
                break
            if start[0] == _CHUNK:
                chunk = _read_chunk(place, self.bio.read(end - place - 9))
                if chunk is None:
                    break
                chunks.append(chunk)
            place = end
        self.data_end = place
        return chunks


def _read_chunk(place: int, record: bytes) -> ChunkInfo | None:
    """Read what an index would say of a chunk; None where its content is damaged."""
    try:
        start_time, end_time, size, crc, name_size = struct.unpack_from('<QQQII', record)
        name = record[32 : 32 + name_size].decode()
        content = record[40 + name_size :]
        records = decompress(content, name, size, crc)
        place_in = 0
        while place_in < size:
            opcode, record_size = struct.unpack_from('<BQ', records, place_in)
            place_in += 9 + record_size
            if opcode not in _IN_CHUNKS or place_in > size:
                return None
    except DAMAGE:
        return None
    length = len(record) + 9
    return ChunkInfo(start_time, end_time, place, length, {}, 0, name, len(content), size, {})
