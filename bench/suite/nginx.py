"""An nginx server as a workload: one process, pages from files, compressed, and through a proxy.

Only the server runs on the allocator under measurement. wrk asks for a number of pages, not for a
time; afterwards each page is fetched once, and their contents are the answer.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

# Not every user's path has the system's programs.
PROGRAM = shutil.which("nginx") or "/usr/sbin/nginx"
START_LIMIT = 20  # seconds
PAGES = 20

# Stops wrk's only thread when it has had its answers, and says so: wrk itself sleeps on.
SCRIPT = """
local left = {count}
local page = 0
request = function()
    page = (page + 7) % {pages}
    local way = page % 3 == 0 and "/again" or ""
    return wrk.format("GET", way .. "/page" .. page .. ".html")
end
response = function(status)
    if status ~= 200 then error("status " .. status) end
    left = left - 1
    if left == 0 then
        wrk.thread:stop()
        io.write("done\\n")
        io.flush()
    end
end
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_files(room: Path, port: int, count: int) -> None:
    pages = room / "www"
    pages.mkdir()
    for i in range(PAGES):
        (pages / f"page{i}.html").write_text(f"<p>{i}</p>\n" * (1 + i * 300))
    (room / "pages.lua").write_text(SCRIPT.format(count=count, pages=PAGES))
    temporary = "".join(f"    {kind}_temp_path {room}/{kind};\n"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (room / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {room}/pid; error_log {room}/errors warn;
events {{ worker_connections 256; }}
http {{
    access_log off; gzip on; gzip_types *; gzip_min_length 100; default_type text/html;
    keepalive_requests 1000;
{temporary}    server {{ listen 127.0.0.1:{port}; root {room}/www;
        location /again {{ proxy_pass http://127.0.0.1:{port}/; }} }}
}}
""")


def command(room: Path) -> tuple[str, ...]:
    # What it says before it has read its configuration; nginx before 1.19.5 has no choice there.
    known = subprocess.run([PROGRAM, "-h"], capture_output=True, text=True, check=False).stderr
    errors = ("-e", str(room / "errors")) if "-e filename" in known else ()
    return (PROGRAM, "-p", str(room), "-c", str(room / "nginx.conf"), *errors)


def drive(room: Path, port: int) -> bytes:
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    base = f"http://127.0.0.1:{port}"
    said = ""
    with subprocess.Popen(
            ["wrk", "-t", "1", "-c", "20", "-d", "300", "--timeout", "20", "-H", "Accept-Encoding: gzip",
             "-s", str(room / "pages.lua"), base], stdout=subprocess.PIPE, text=True) as load:
        for line in load.stdout or ():
            said += line
            if line == "done\n":
                load.send_signal(signal.SIGINT)
    if "done" not in said or "Socket errors" in said or "Non-2xx" in said or "requests in" not in said:
        raise ConnectionError(said)
    digest = hashlib.sha256()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for i in range(PAGES):
        for way in ("", "/again"):
            digest.update(opener.open(f"{base}{way}/page{i}.html", timeout=START_LIMIT).read())
    os.kill(int((room / "pid").read_text()), signal.SIGQUIT)
    return digest.digest()
