# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Inputs that lie elsewhere: s3://, gs:// and other addresses of fsspec, http:// and https://.

They are copied whole before they are read: a server without ranges cannot be sought in, and a
recording that changes meanwhile would be two. http is read without fsspec, to which a server that
refuses (403, 503) is one without the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from glob import has_magic
import hashlib
from http.client import HTTPException
from pathlib import Path, PurePosixPath
import shutil
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote
import urllib.request

from segformer_ros.bags.storage import SUFFIXES
from segformer_ros.files import images
from segformer_ros.fleet import parts
from segformer_ros.fleet.inputs import BAG, IMAGES, Input, VIDEO, VIDEO_SUFFIXES

CACHE = 'inputs'
_METADATA = 'metadata.yaml'
_TIMEOUT_S = 60.0


class RemoteError(ValueError):
    """An address that cannot be read: which, and why."""


@dataclass(frozen=True)
class _File:
    """
    A file elsewhere.

    :param size: In bytes, 0 where the server does not say it.
    :param version: Changes with the content, as far as the server says it.
    """

    url: str
    size: int
    version: str


def find(url: str, folder: Path) -> Iterator[Input]:
    """
    Find the recordings at an address: a file, a glob or, except for http, a folder.

    :param folder: DEST, where copies are made later.
    :raises RemoteError: It cannot be read, or holds no recording.
    """
    files = [_http_file(url)] if url.startswith('http') else list(_listed(url))
    bags = {item.url.rpartition('/')[0] for item in files if _name(item.url) == _METADATA}
    found: dict[tuple[str, str], list[_File]] = {}
    for item in files:
        parent = item.url.rpartition('/')[0]
        kind = _kind(item.url)
        if parent in bags:
            found.setdefault((BAG, parent), []).append(item)
        elif kind == IMAGES and len(files) > 1:
            found.setdefault((IMAGES, parent), []).append(item)
        elif kind:
            found.setdefault((kind, item.url), []).append(item)
    if not found:
        raise RemoteError(f'expected bags, videos or images at {url}, found none')
    for (kind, address), members in found.items():
        yield _input(kind, address, members, folder)


def _input(kind: str, url: str, members: list[_File], folder: Path) -> Input:
    state = hashlib.sha256(
        repr([(item.url, item.size, item.version) for item in members]).encode()
    )
    place = folder / CACHE / state.hexdigest()[:24]
    names = tuple(_name(item.url) for item in members)
    size = sum(item.size for item in members)
    if kind == IMAGES:
        base = url if len(members) > 1 or _name(url) not in names else url.rpartition('/')[0]
        return Input(kind, place / (_name(base) or 'images'), names, base, size)
    if url == members[0].url:
        return Input(kind, place / _name(url), (), url, size)
    return Input(kind, place / _name(url), names, url, size)


def _name(url: str) -> str:
    return unquote(PurePosixPath(url.partition('?')[0]).name) if url.startswith('http') else (
        PurePosixPath(url).name
    )  # fmt: skip


def _kind(url: str) -> str:
    name = _name(url)
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in SUFFIXES:
        return BAG
    if suffix in VIDEO_SUFFIXES:
        return VIDEO
    return IMAGES if images.looks_like_image(name) else ''


def fetch(item: Input) -> None:
    """
    Copy an input to its place, where it is not there yet; whole or not at all.

    :raises RemoteError: It cannot be read any more.
    :raises OSError: It cannot be written.
    """
    if not item.url or item.path.exists():
        return
    item.path.parent.mkdir(parents=True, exist_ok=True)
    if item.names:
        parts.make(item.path, lambda folder: _copy_all(item, folder))
        return
    temporary = item.path.with_name(f'.{item.path.name}.part')

    def fill(folder: Path) -> None:
        _copy(item.url, folder / item.path.name)

    # Whole, of this worker or of another one that may have died before it renamed it.
    if not temporary.exists():
        parts.make(temporary, fill)
    with suppress(FileNotFoundError):
        (temporary / item.path.name).replace(item.path)
    shutil.rmtree(temporary, ignore_errors=True)


def _copy_all(item: Input, folder: Path) -> None:
    for name in item.names:
        _copy(f'{item.url}/{name}', folder / name)


def drop(item: Input) -> None:
    """Remove the copy of an input."""
    if item.url:
        shutil.rmtree(item.path.parent, ignore_errors=True)


def _copy(url: str, target: Path) -> None:
    if url.startswith('http'):
        with closing(_http(url, 'GET')) as answer, target.open('wb') as file:
            try:
                shutil.copyfileobj(answer, file, 1 << 20)
            except (HTTPException, TimeoutError, ConnectionError) as error:
                raise RemoteError(f'{url}: the server ended early: {error!r}') from error
        expected = answer.headers.get('Content-Length')
        if expected is not None and target.stat().st_size != int(expected):
            raise RemoteError(f'{url}: the server ended early')
        return
    system, path = system_of(url)
    _asked(url, system.get_file, path, str(target))


def _http(url: str, method: str) -> Any:
    """
    Ask a server.

    :raises RemoteError: It refuses, or cannot be reached.
    """
    # A name may have a '#'; what was quoted already stays.
    request = urllib.request.Request(quote(url, safe="%/:=&?~+!$,;'@()*[]"), method=method)
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except HTTPError as error:
        with error:
            raise RemoteError(f'{url}: the server says {error.code} {error.reason}') from error
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, 'reason', error)
        raise RemoteError(f'{url} cannot be reached: {reason}') from error


def _http_file(url: str) -> _File:
    with closing(_http(url, 'HEAD')) as answer:
        headers = answer.headers
    version = headers.get('ETag') or headers.get('Last-Modified') or ''
    return _File(url, int(headers.get('Content-Length') or 0), version)


def system_of(url: str) -> tuple[Any, str]:
    """
    Return the file system of an address, and the path in it, in which '::' is no chain.

    :raises RemoteError: No library that is installed knows it.
    """
    import fsspec

    scheme = url.partition('://')[0]
    try:
        kind = fsspec.get_filesystem_class(scheme)
        # Of some the address names the host.
        system = kind(**kind._get_kwargs_from_urls(url))
    except Exception as error:
        raise RemoteError(f'{url} cannot be read: {sentence_of(error)}') from error
    return system, str(system._strip_protocol(url))


def _asked(url: str, what: Any, *arguments: Any, **options: Any) -> Any:
    """
    Ask a file system, whose libraries have errors of every class.

    :raises RemoteError: It refuses.
    """
    try:
        return what(*arguments, **options)
    except FileNotFoundError as error:
        raise RemoteError(f'expected a file or a folder at {url}, found nothing') from error
    except Exception as error:
        raise RemoteError(f'{url} cannot be read: {sentence_of(error)}') from error


def sentence_of(error: BaseException) -> str:
    """Return what an error of a library says, in one line."""
    return ' '.join(str(error).split()) or type(error).__name__


def _listed(url: str) -> Iterator[_File]:
    system, path = system_of(url)
    scheme = url.partition('://')[0]
    # Else it answers from what it has seen before.
    system.invalidate_cache()
    if has_magic(path) and not _asked(url, system.exists, path):
        found = _asked(url, system.glob, path, detail=True)
        folders = [name for name, facts in found.items() if facts['type'] == 'directory']
        for folder in folders:
            found |= _asked(url, system.find, folder, detail=True)
    else:
        facts = _asked(url, system.info, path)
        folder = facts['type'] == 'directory'
        found = _asked(url, system.find, path, detail=True) if folder else {path: facts}
    for name, facts in sorted(found.items()):
        if facts['type'] == 'file' and not _is_left_out(name, path):
            keys = ('ETag', 'etag', 'md5Hash', 'mtime', 'LastModified', 'updated', 'created')
            version = next((str(facts[key]) for key in keys if facts.get(key)), '')
            yield _File(f'{scheme}://{name.lstrip("/")}', int(facts.get('size') or 0), version)


def _is_left_out(name: str, path: str) -> bool:
    """
    Return whether a file is hidden, or lies in a folder that is, as for folders of this machine.

    :param path: What was asked for; what is hidden in there was meant.
    """
    asked = path.strip('/').split('/')
    return any(
        part.startswith('.') and not (index < len(asked) and asked[index].startswith('.'))
        for index, part in enumerate(name.strip('/').split('/'))
    )
