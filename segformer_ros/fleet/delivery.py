# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Results that go to a store (s3://, gs://), each input as soon as it is done.

A store has no rename: an input is whole there when its report.json is, which is sent last. Nor has
it a lock that ends with its owner: the first labelling puts a mark at the address, in one step
with the question whether there is one, and others are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
import json
from pathlib import Path
import shutil
import socket
from types import TracebackType
from typing import Any
from uuid import uuid4

from segformer_ros import run_folder
from segformer_ros.file_tree import files_below
from segformer_ros.fleet import parts, remote
from segformer_ros.fleet.remote import RemoteError
from segformer_ros.side_thread import Behind

MARK = 'label.json'
"""At the address: which folder has the state of its results."""
STATE = 'delivery.json'
"""In that folder: which address the results go to."""
_SENT = 'sent'
_WAITING = 2


class Delivery:
    """
    Sends results while others are computed, to be used in a with statement.

    At the end of the block all of them are there; where it ends with an error, the next start
    sends the rest.

    :param folder: Where results are made.
    :param address: Where they go.
    :raises RemoteError: No library knows the address.
    """

    def __init__(self, folder: Path, address: str) -> None:
        self.address = address.rstrip('/')
        self._folder = folder
        self._system, self._root = remote.system_of(self.address)
        self._thread = Behind(_WAITING)
        self._stopped = False

    def claim(self) -> None:
        """
        Make the address that of this folder, for good.

        :raises ValueError: The folder is that of another address.
        :raises RemoteError: The address is that of another folder, or cannot be written.
        """
        own = {
            'address': self.address,
            'id': uuid4().hex,
            'folder': f'{socket.gethostname()}:{self._folder.resolve()}',
        }
        state = self._folder / STATE
        if state.is_file():
            own = json.loads(state.read_bytes())
        if own['address'] != self.address:
            raise ValueError(
                f'{self._folder} has the state of results in {own["address"]}, not in '
                f'{self.address}: choose another folder for --work'
            )
        run_folder.write_json(state, own)
        mark = f'{self._root}/{MARK}'
        self._system.invalidate_cache()
        # Not every store heeds that it may only be created.
        if not self._ask(self._system.exists, mark):
            with suppress(FileExistsError):
                self._ask(self._system.pipe_file, mark, json.dumps(own).encode(), mode='create')
        found = json.loads(self._ask(self._system.cat_file, mark))
        if found.get('id') != own['id']:
            raise RemoteError(
                f'{self.address} has results of another labelling, whose state is in '
                f'{found.get("folder")}: continue with that --work, or choose another address'
            )

    def __enter__(self) -> Delivery:
        self._thread.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped = kind is not None
        self._thread.__exit__(kind, error, trace)

    def send(self, name: str) -> None:
        """
        Send the results of an input, and remove them here except for what the report needs.

        :param name: Of its folder.
        :raises RemoteError: Earlier ones could not be sent.
        """
        self._thread.do(self._send, name)

    def _send(self, name: str) -> None:
        place = self._folder / parts.RESULTS / name
        facts = parts.read_facts(place)
        if self._stopped or facts is None:
            return
        if _SENT not in facts:
            self._put(place, f'{parts.RESULTS}/{name}', files_below(place), parts.FACTS)
            run_folder.write_json(place / parts.FACTS, facts | {_SENT: self.address})
        for item in place.iterdir():
            if item.name not in {parts.FACTS, parts.PICTURE}:
                shutil.rmtree(item) if item.is_dir() else item.unlink()

    def replace(self, name: str, last: str) -> None:
        """
        Send a folder, and remove what was there under its name before.

        :param last: The file that is there when the folder is whole.
        :raises RemoteError: It cannot be sent.
        """
        place = self._folder / name
        names = list(files_below(place))
        # Else it answers from what it has seen before.
        self._system.invalidate_cache()
        found = set(self._ask(self._system.find, f'{self._root}/{name}'))
        kept = {f'{self._root}/{name}/{item}' for item in names if item != last}
        for path in sorted(found - kept, key=lambda path: not path.endswith(f'/{last}')):
            self._ask(self._system.rm_file, path)
        self._put(place, name, names, last)

    def send_files(self, *names: str) -> None:
        """
        Send files of the folder, those that are there.

        :raises RemoteError: They cannot be sent.
        """
        found = [name for name in names if (self._folder / name).is_file()]
        self._put(self._folder, '', found, '')

    def _put(self, place: Path, under: str, names: Any, last: str) -> None:
        """Send files; each is there when it is whole, which put() sees to."""
        root = f'{self._root}/{under}'.rstrip('/')
        for group in ([name for name in names if name != last], [last] if last else []):
            if group:
                here = [str(place / name) for name in group]
                self._ask(self._system.put, here, [f'{root}/{name}' for name in group])

    def _ask(self, what: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """
        Ask the file system, whose libraries have errors of every class.

        :raises RemoteError: It refuses.
        :raises FileExistsError: What is to be made is there.
        """
        try:
            return what(*arguments, **options)
        except FileExistsError:
            raise
        except Exception as error:
            text = remote.sentence_of(error)
            raise RemoteError(f'{self.address} cannot be written: {text}') from error
