# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A page in a real headless Chromium, by its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from contextlib import suppress
import json
from pathlib import Path
import shutil
import subprocess
import time
from typing import Any
import urllib.request

import aiohttp
import numpy as np
from segformer_ros.image_encoding import decode_file

PROGRAM = shutil.which('chromium') or shutil.which('chromium-browser')
SIZE = (1600, 1000)
# Of the new headless mode, which takes that off the height of the window.
_FRAME_PX = 143


# What the page asks of the internet, and does without.
_OUTSIDE = ('fonts.googleapis.com', 'rerun.io', 'api.github.com')


def is_of_the_network(text: str) -> bool:
    """Return whether the console speaks of a place outside that cannot be reached."""
    return text == 'None' or any(place in text for place in _OUTSIDE)


class Page:
    """
    One page, looked at until it shows what it should.

    :param url: Opened at once.
    :param folder: For the profile of the browser.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder
        self.said: list[str] = []
        """Errors and uncaught exceptions of the console."""

    def shows(
        self, found: Callable[[np.ndarray], bool], patience_s: float = 90.0
    ) -> tuple[bool, np.ndarray]:
        """
        Look once a second.

        :param found: Called with a screenshot, (H, W, 3) RGB.
        :returns: Whether it ever held, and the last screenshot.
        """
        command = [
            str(PROGRAM),
            *('--headless=new', '--no-sandbox', '--use-angle=swiftshader'),
            *('--enable-unsafe-swiftshader', '--remote-debugging-port=0', '--hide-scrollbars'),
            f'--window-size={SIZE[0]},{SIZE[1] + _FRAME_PX}',
            f'--user-data-dir={self._folder}',
            self._url,
        ]
        silent = subprocess.DEVNULL
        browser = subprocess.Popen(
            command, stdin=silent, stdout=silent, stderr=silent, start_new_session=True
        )
        try:
            return asyncio.run(self._look(found, time.monotonic() + patience_s))
        finally:
            browser.terminate()
            with suppress(subprocess.TimeoutExpired):
                browser.wait(30.0)
            browser.kill()
            browser.wait()

    async def _look(
        self, found: Callable[[np.ndarray], bool], deadline: float
    ) -> tuple[bool, np.ndarray]:
        picture = np.zeros((1, 1, 3), np.uint8)
        async with aiohttp.ClientSession() as session:
            address = await self._address(deadline)
            async with session.ws_connect(address, max_msg_size=0) as socket:
                # What was said before is told again.
                for method in ('Page.enable', 'Runtime.enable', 'Log.enable'):
                    await self._ask(socket, method)
                while time.monotonic() < deadline:
                    answer = await self._ask(socket, 'Page.captureScreenshot', format='png')
                    picture = decode_file(base64.b64decode(answer['data']), upright=False)
                    if found(picture):
                        return True, picture
                    await asyncio.sleep(1.0)
        return False, picture

    async def _address(self, deadline: float) -> str:
        file = self._folder / 'DevToolsActivePort'
        while time.monotonic() < deadline:
            with suppress(OSError, ValueError, IndexError):
                port = int(file.read_text().split()[0])
                with urllib.request.urlopen(f'http://127.0.0.1:{port}/json') as reply:
                    pages = [item for item in json.load(reply) if item['type'] == 'page']
                return str(pages[0]['webSocketDebuggerUrl'])
            await asyncio.sleep(0.1)
        raise AssertionError('Chromium has not opened its DevTools')

    async def _ask(self, socket: Any, method: str, **parameters: Any) -> Any:
        await socket.send_json({'id': 1, 'method': method, 'params': parameters})
        while True:
            message = (await socket.receive()).json()
            if message.get('id') == 1:
                assert 'error' not in message, message
                return message['result']
            self._note(message)

    def _note(self, message: Any) -> None:
        kind, content = message.get('method'), message.get('params', {})
        if kind == 'Runtime.exceptionThrown':
            self.said.append(str(content['exceptionDetails']))
        elif kind == 'Runtime.consoleAPICalled' and content['type'] == 'error':
            self.said.append(' '.join(str(item.get('value')) for item in content['args']))
        elif kind == 'Log.entryAdded' and content['entry']['level'] == 'error':
            entry = content['entry']
            self.said.append(f'{entry["text"]} {entry.get("url", "")}')
