#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# fsspec 2026.9.0: a file on a server that is busy is one that does not exist.
#
# Guess: what a server answers with 503 (come back later) or 403 is an error that says so.
# Seen: exists() is False, and open() with read() raises FileNotFoundError with the address alone,
# as for 404. A program that takes what is missing for done leaves files out. cat() raises the
# ClientResponseError of aiohttp, which has the status.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check fsspec==2026.9.0 aiohttp==3.14.5
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import threading

import aiohttp
import fsspec


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(self.path.strip('/')))
        self.send_header('Content-Length', '0')
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *words):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
files = fsspec.filesystem('http', skip_instance_cache=True)
for status in (404, 403, 503):
    url = f'http://127.0.0.1:{server.server_port}/{status}'
    there = files.exists(url)
    try:
        with files.open(url) as file:
            file.read()
        read = 'no error'
    except Exception as error:
        read = type(error).__name__
    try:
        files.cat(url)
        cat = 'no error'
    except FileNotFoundError:
        cat = 'FileNotFoundError'
    except aiohttp.ClientResponseError as error:
        cat = f'ClientResponseError {error.status}'
    print(f'{status}: exists {there}, read: {read}, cat: {cat}')
    assert (there, read) == (False, 'FileNotFoundError')
    assert cat == ('FileNotFoundError' if status == 404 else f'ClientResponseError {status}')
server.shutdown()
PYTHON
