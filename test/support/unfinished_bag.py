# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag that another process still records, as far as it is on the disk."""

from collections import defaultdict
from contextlib import closing
import sqlite3

from segformer_ros.run_folder import temporary_name

# Behind four bytes of encapsulation a message with a header begins with its stamp.
_STAMP = slice(4, 12)


def stamps_on_disk(bag):
    """
    Return the stamps of the messages by topic, each as the bytes that it is sent as.

    The file is read without its lock, which its writer needs: what is half written is left out.

    :param bag: Where the bag, one of sqlite3, will be.
    """
    found = defaultdict(set)
    query = 'SELECT name, data FROM messages JOIN topics ON topic_id = topics.id'
    for path in temporary_name(bag).rglob('*.db3'):
        try:
            with closing(sqlite3.connect(f'file:{path}?immutable=1', uri=True)) as file:
                for name, data in file.execute(query):
                    found[name].add(bytes(data[_STAMP]))
        except sqlite3.Error:
            continue
    return found
