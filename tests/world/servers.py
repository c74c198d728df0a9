"""Cases: servers under load, on loopback or a unix socket, ended by their own id."""

import os
import shutil
import socket
import urllib.request

from world_run import Skip, find, free_port, wait_until


def accepts(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as probe:
        probe.connect(address)
    return True


def redis(world):
    server, client = find("redis-server"), find("redis-cli")
    bench = shutil.which("redis-benchmark") or ""
    # The path of a unix socket must be short.
    address = os.path.join("/tmp", f"world-redis-{os.getpid()}.sock")
    if not bench:
        raise Skip("redis-benchmark")
    world.serve([server, "--port", "0", "--unixsocket", address, "--save", "", "--appendonly", "no",
                 "--dir", world.folder, "--maxmemory", "200mb", "--activedefrag", "no"])
    try:
        wait_until(lambda: accepts(address))
        world.call([bench, "-s", address, "-n", "20000", "-c", "20", "-d", "300", "-r", "5000", "-q",
                    "-t", "set,get,incr,lpush,rpop,sadd,hset,spop,zadd,lrange_100,mset"])
        world.call([client, "-s", address, "flushall"])
        script = ("for i = 1, 60000 do redis.call('set', 'k' .. i, string.rep('v', i % 700)) "
                  "redis.call('hset', 'h' .. i % 100, i, i) redis.call('zadd', 'z', i * 7 % 1009, i) "
                  "if i % 3 == 0 then redis.call('del', 'k' .. i // 3) end end "
                  "return {redis.call('dbsize'), redis.call('zcard', 'z'), "
                  "redis.call('hlen', 'h7')}").replace("i // 3", "math.floor(i / 3)")
        answers = [world.call([client, "-s", address, "eval", script, "0"])]
        answers.append(world.call([client, "-s", address, "save"]))
        answers.append(world.call([client, "-s", address, "bgsave"]))
        answers.append(world.call([client, "-s", address, "debug", "reload"]))
        answers.append(world.call([client, "-s", address, "debug", "digest"]))
        answers.append(world.call([client, "-s", address, "dbsize"]))
        return answers
    finally:
        world.stop()
        world.servers.clear()
        if os.path.exists(address):
            os.unlink(address)


def nginx(world):
    server = find("nginx")
    load = shutil.which("wrk")
    if load is None:
        raise Skip("wrk")
    port = free_port()
    os.makedirs(world.path("www"))
    for i in range(20):
        world.write(f"www/page{i}.html", f"<p>{i}</p>\n" * (1 + i * 300))
    configuration = world.write("nginx.conf", f"""
daemon off; master_process on; worker_processes 2; pid {world.folder}/nginx.pid;
error_log {world.folder}/error.log warn;
{"user " + os.environ.get("USER", "root") + ";" if os.geteuid() == 0 else ""}
{"env LD_PRELOAD;" if world.library else ""}
events {{ worker_connections 256; }}
http {{
    access_log off; gzip on; gzip_types *; gzip_min_length 100; default_type text/html;
    client_body_temp_path {world.folder}/b; proxy_temp_path {world.folder}/p;
    fastcgi_temp_path {world.folder}/f; uwsgi_temp_path {world.folder}/u;
    scgi_temp_path {world.folder}/s;
    server {{ listen 127.0.0.1:{port}; root {world.folder}/www; autoindex on;
        location /again {{ proxy_pass http://127.0.0.1:{port}/; }} }}
}}
""")
    world.serve([server, "-p", world.folder, "-c", configuration])
    wait_until(lambda: accepts(("127.0.0.1", port)))
    base = f"http://127.0.0.1:{port}"
    for page in ("/page19.html", "/again/page7.html"):
        text = world.call([load, "-t", "2", "-c", "20", "-d", "1", "-H", "Accept-Encoding: gzip",
                           base + page]).decode()
        if "Socket errors" in text or "Non-2xx" in text or "requests in" not in text:
            raise RuntimeError(text)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return [opener.open(f"{base}{way}/page{i}.html", timeout=20).read()
            for i in range(20) for way in ("", "/again")]


CASES = {"redis": redis, "nginx": nginx}
