"""A redis server as a workload: how it is started, driven and stopped.

Only the server runs on the allocator under measurement. It listens on a socket file, keeps nothing
on disk, and gets the same requests every time.
"""

from __future__ import annotations

import hashlib
import random
import socket
import subprocess
import time
from pathlib import Path

START_LIMIT = 20  # seconds
END = b"tarn-bench-end"


def command(room: Path, address: Path) -> tuple[str, ...]:
    return (
        "redis-server", "--port", "0", "--unixsocket", str(address), "--save", "", "--appendonly", "no",
        "--daemonize", "no", "--dir", str(room), "--loglevel", "warning", "--jemalloc-bg-thread", "no",
    )


def _request(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def write_requests(path: Path, count: int) -> None:
    """Requests of every kind over a key space that grows, is overwritten and partly deleted."""
    dice = random.Random(4)
    keys = max(1000, count // 4)
    with path.open("wb") as out:
        for _ in range(count):
            key = b"%d" % dice.randrange(keys)
            field = b"field%d" % dice.randrange(40)
            value = b"v" * int(8 * 1.5 ** dice.randrange(14))
            out.write(dice.choice((
                _request(b"SET", b"s" + key, value),
                _request(b"SET", b"s" + key, value),
                _request(b"APPEND", b"s" + key, value[:64]),
                _request(b"GET", b"s" + key),
                _request(b"DEL", b"s" + key),
                _request(b"HSET", b"h" + key[:4], field, value[:200]),
                _request(b"RPUSH", b"l" + key[:3], value[:100]),
                _request(b"LPOP", b"l" + key[:3]),
                _request(b"SADD", b"set" + key[:3], key),
                _request(b"ZADD", b"z" + key[:2], b"%d" % dice.randrange(10_000), key),
            )))
        out.write(_request(b"DBSIZE"))
        out.write(_request(b"ECHO", END))


def _connect(address: Path) -> socket.socket:
    deadline = time.monotonic() + START_LIMIT
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(address))
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _stop(address: Path) -> None:
    with _connect(address) as connection:
        connection.sendall(_request(b"SHUTDOWN", b"NOSAVE"))
        while connection.recv(4096):
            pass


def replay(address: Path, requests: Path) -> bytes:
    """Sends the requests in pieces, reading between them; returns a digest of all replies."""
    digest = hashlib.sha256()
    tail = b""
    with _connect(address) as connection, requests.open("rb") as source:
        while piece := source.read(1 << 16):
            connection.sendall(piece)
            connection.setblocking(False)
            try:
                while reply := connection.recv(1 << 18):
                    digest.update(reply)
                    tail = (tail + reply)[-64:]
            except BlockingIOError:
                pass
            connection.setblocking(True)
        while not tail.endswith(END + b"\r\n"):
            reply = connection.recv(1 << 18)
            if not reply:
                raise ConnectionError("the server went away")
            digest.update(reply)
            tail = (tail + reply)[-64:]
    _stop(address)
    return digest.digest()


def lists(address: Path, count: int) -> bytes:
    """redis-benchmark pushes to a list and reads it from its head; returns the list's length."""
    _connect(address).close()
    client = ["redis-benchmark", "-s", str(address), "-r", "1000000", "-n", str(count), "-P", "16", "-q"]
    for words in (("lpush", "a", "1", "2", "3", "4", "5"), ("lrange", "a", "1", "5")):
        subprocess.run([*client, *words], check=True, capture_output=True)
    length = subprocess.run(
        ["redis-cli", "-s", str(address), "llen", "a"], check=True, capture_output=True
    ).stdout
    _stop(address)
    return length
