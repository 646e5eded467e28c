# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which recordings are meant: bags, videos and folders of images, by name, glob or list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
import os
from pathlib import Path
import re
import warnings

from segformer_ros.bags.rosbag import is_bag
from segformer_ros.bags.storage import is_being_written, message_files, written_for
from segformer_ros.files import images
from segformer_ros.files.images import ImageFile

BAG, VIDEO, IMAGES = 'bag', 'video', 'images'
LIST_SUFFIX = '.txt'
_ADDRESS = re.compile(r'([a-z][a-z0-9+.-]+)://')
VIDEO_SUFFIXES = frozenset({
    '.264', '.265', '.avi', '.flv', '.h264', '.h265', '.hevc', '.m4v', '.mjpeg', '.mjpg', '.mkv',
    '.mov', '.mp4', '.mpeg', '.mpg', '.ts', '.webm', '.wmv', '.y4m',
})  # fmt: skip


@dataclass(frozen=True)
class Input:
    """
    One recording.

    :param kind: 'bag', 'video' or 'images'.
    :param path: The bag, the video, or the folder that the images lie in.
    :param names: Of images those that were named, relative to path; empty: all in there. Of what
        is elsewhere the files of a folder; empty: it is a file.
    :param url: Where it is copied from before it is read; empty: it is here.
    :param remote_bytes: Size of what is elsewhere.
    """

    kind: str
    path: Path
    names: tuple[str, ...] = field(default=())
    url: str = ''
    remote_bytes: int = 0

    @property
    def source(self) -> str:
        """Return where it is from, for people."""
        return self.url or str(self.path)

    def images(self) -> tuple[ImageFile, ...]:
        """
        List the images, as `segformer run` names them.

        :raises ValueError: There is no image.
        """
        found = images.find(self.path)
        if not self.names or self.url:
            return found
        wanted = set(self.names)
        return tuple(
            item for item in found if item.path.relative_to(self.path).as_posix() in wanted
        )

    def files(self) -> list[Path]:
        """
        List the files that decide what comes out.

        :raises OSError: They cannot be listed.
        """
        if self.kind == VIDEO:
            return [self.path]
        if self.kind == IMAGES:
            return [item.path for item in self.images()]
        found = [*message_files(self.path), self.path / 'metadata.yaml']
        return [item for item in found if item.is_file()]

    def state(self) -> tuple[int, int]:
        """
        Return what changes when the content does: bytes, and nanoseconds of the latest change.

        :raises OSError: A file cannot be read.
        """
        if self.url:
            # Its place has the name of its content.
            return self.remote_bytes, 0
        facts = [item.stat() for item in self.files()]
        return (
            sum(item.st_size for item in facts),
            max((max(item.st_mtime_ns, item.st_ctime_ns) for item in facts), default=0),
        )


def find(arguments: Sequence[str]) -> list[Input]:
    """
    Find the recordings that some arguments name.

    :param arguments: Bags, videos, images, folders that hold such, globs of them, and lists
        (NAME.txt) with one of these in each line.
    :returns: Each once, in the order of the arguments.
    :raises ValueError: An argument names nothing, or something of another kind.
    :raises OSError: A folder or a list cannot be read.
    """
    found: dict[Input, None] = {}
    singles: dict[Path, dict[str, None]] = {}
    for path in _expand(arguments):
        for item in _at(path):
            if isinstance(item, Input):
                found[item] = None
            else:
                singles.setdefault(item.parent, {})[item.name] = None
    for folder, names in singles.items():
        whole = Input(IMAGES, folder)
        if whole not in found:
            found[Input(IMAGES, folder, tuple(sorted(names)))] = None
    return list(found)


def is_address(text: str) -> bool:
    """Return whether this is an address, not a path."""
    return _ADDRESS.match(text) is not None


def listed(
    arguments: Iterable[str], base: Path = Path(), lists: tuple[Path, ...] = ()
) -> Iterator[str]:
    """
    Return the arguments, of lists their lines: paths relative to the list, and addresses.

    :param lists: Those that are open.
    :raises ValueError: A list is empty, or names itself; an argument is empty.
    :raises OSError: A list cannot be read.
    """
    for text in arguments:
        if not text:
            raise ValueError('expected a path or an address, found an empty argument')
        path = base / Path(text).expanduser()
        if is_address(text):
            yield text
        elif path.suffix.lower() == LIST_SUFFIX and path.is_file():
            if path.resolve() in lists:
                raise ValueError(f'expected a list of inputs, {path} names itself')
            lines = map(str.strip, path.read_text(encoding='utf-8').splitlines())
            named = [line for line in lines if line and line[0] != '#']
            if not named:
                raise ValueError(f'expected a list of inputs, {path} names none')
            yield from listed(named, path.parent, (*lists, path.resolve()))
        else:
            yield str(path)


def _expand(arguments: Iterable[str]) -> Iterator[Path]:
    for text in listed(arguments):
        path = Path(text)
        if os.path.lexists(path):
            yield path
        elif has_magic(text):
            matches = sorted(glob(text, recursive=True))
            if not matches:
                raise ValueError(f'expected files that match {text}, found none')
            yield from map(Path, matches)
        else:
            raise ValueError(
                f'expected a bag, a video, an image, a folder or a list (.txt), found nothing at '
                f'{path}{written_for(path)}'
            )


def _at(path: Path) -> Iterator[Input | Path]:
    """Return the inputs at a path; of a single image its path."""
    path = path.resolve()
    if _is_bag(path):
        yield Input(BAG, path)
    elif path.is_dir():
        found = list(_below(path))
        if not found:
            raise ValueError(f'expected bags, videos or images in {path}, found none')
        yield from found
    elif path.suffix.lower() == '.bag':
        raise ValueError(f'{path} is a ROS 1 bag: convert it with rosbags-convert first')
    elif images.is_image(path):
        yield path
    else:
        yield Input(VIDEO, path)


def _is_bag(path: Path) -> bool:
    """Return whether a path is one bag; a folder with images or videos next to bags is not."""
    if not is_bag(path) or not path.is_dir() or (path / 'metadata.yaml').is_file():
        return is_bag(path)
    return not any(
        images.looks_like_image(item) or item.suffix.lower() in VIDEO_SUFFIXES
        for item in path.iterdir()
    )


def _below(folder: Path) -> Iterator[Input]:
    """Walk through a folder: its bags and videos each alone, all of its images together."""
    has_images = False
    for place, names, files in os.walk(folder, followlinks=True):
        here = Path(place)
        for name in [name for name in names if name.startswith('.')]:
            names.remove(name)
            if is_being_written(here / name):
                warnings.warn(
                    f'{here / name} is not labelled: it is being recorded, or its recorder was '
                    'killed (name it to label what there is)',
                    stacklevel=2,
                )
        names.sort()
        for name in list(names):
            if _is_bag(here / name):
                names.remove(name)
                yield Input(BAG, here / name)
        for file in sorted(files):
            if file.startswith('.'):
                continue
            if _is_bag(here / file):
                yield Input(BAG, here / file)
            if Path(file).suffix.lower() in VIDEO_SUFFIXES:
                yield Input(VIDEO, here / file)
            has_images = has_images or images.looks_like_image(file)
    if has_images:
        yield Input(IMAGES, folder)
