"""Cases: a database, version control, archivers, editors and filters."""

import os

from world_run import find

SQL = """
pragma journal_mode=wal; create table t (a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
insert into t select i, printf('%d-%s', i * 7919 % 10007, hex(i * 31)), i / 7.0 from n;
create index tb on t (b); update t set b = b || 'x' where a % 7 = 0; delete from t where a % 5 = 0;
select count(*), sum(length(b)), max(b), round(avg(c), 6) from t;
select substr(b, 1, 2) k, count(*), group_concat(a % 10, '') from t group by k order by k limit 20;
select sum(x.a) from t x join t y on x.a = y.a + 1 where y.b like '1%7%';
select json_group_array(a) from (select a from t order by b desc limit 50);
vacuum; pragma integrity_check;
"""


def text_of(lines):
    return "".join(f"{i} {i * 7919 % 10007} {'w' * (i % 23)} line of the text\n"
                   for i in range(lines))


def sqlite(world):
    answer = world.call([find("sqlite3"), "-batch", "base.db"], SQL.encode())
    if not answer.splitlines()[1].startswith(b"48000|") or not answer.endswith(b"ok\n"):
        raise RuntimeError(f"sqlite3 says {answer[:300]!r}")
    return [answer]


def git(world):
    tool = find("git")
    config = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
              "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
              "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z"}

    def call(*arguments):
        return world.call([tool, "-c", "safe.directory=*", *arguments], env=config)

    call("init", "-q", "-b", "main", "made")
    for i in range(12):
        for j in range(60):
            world.write(f"made/f{j}.txt", text_of(20 + i * j % 400))
        call("-C", "made", "add", ".")
        call("-C", "made", "commit", "-qm", f"step {i}")
    call("clone", "-q", "--no-local", "made", "copy")
    call("-C", "copy", "gc", "-q", "--aggressive", "--prune=now")
    answers = [call("-C", "copy", "log", "--stat", "-p"), call("-C", "copy", "fsck", "--full"),
               call("-C", "copy", "rev-parse", "HEAD"), call("-C", "copy", "blame", "f7.txt"),
               call("-C", "copy", "grep", "-c", "line of")]
    if os.path.exists(os.path.join(world.root, ".git")):
        call("clone", "-q", "--no-local", world.root, "own")
        call("-C", "own", "gc", "-q")
        answers.append(call("-C", "own", "log", "--stat", "--format=%H %s"))
    return answers


def busybox(world):
    tool = find("busybox")
    world.write("text", text_of(40000))
    return [world.call([tool, "sort", "-k2n", "text"]),
            world.call([tool, "awk", "{ n[$2 % 97] += $1 } END { for (i = 0; i < 97; i++) print i, n[i] }",
                        "text"]),
            world.call([tool, "sh", "-c", "ls -la /usr/bin | wc -l; gzip -c text | gunzip | md5sum; "
                        "grep -c 77 text; sed 's/w*w/<&>/g' text | cksum; diff text text; "
                        "seq 1 5000 | xargs -n 50 echo | tail -1"])]


def coreutils(world):
    world.write("text", text_of(300000))
    return [world.call([find("sort"), "--parallel=4", "-S", "20M", "-k2,2n", "-k1,1n", "text"]),
            world.call([find("ls"), "-laR", "/usr/share/doc"]),
            world.call([find("grep"), "-E", "-c", "(7[0-9]+) (w{3,9})", "text"]),
            world.call([find("sed"), "-E", "s/(w+)/<\\1>/", "text"])]


def archivers(world):
    tar, xz, gzip = find("tar"), find("xz"), find("gzip")
    world.write("text", text_of(60000))
    world.call([tar, "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-cf", "a.tar", "text"])
    answers = [world.call([xz, "-c", "-T2", "--block-size=1MiB", "-6", "a.tar"]),
               world.call([gzip, "-nc", "a.tar"])]
    with open(world.path("a.tar.xz"), "wb") as file:
        file.write(answers[0])
    answers.append(world.call([tar, "-xOJf", "a.tar.xz", "text"]))
    return answers


def zstd(world):
    tool = find("zstd")
    world.write("text", text_of(150000))
    packed = world.call([tool, "-q", "-c", "-T3", "-12", "text"])
    back = world.call([tool, "-q", "-d", "-c"], packed)
    if back != world.read("text"):
        raise RuntimeError("what zstd packed is not what it unpacks")
    return [packed]


def jq(world):
    give = "[" + ",".join(f'{{"n":{i},"s":"{"x" * (i % 31)}","l":[{i % 7},{i % 11}]}}'
                          for i in range(30000)) + "]"
    return [world.call([find("jq"), "-c", "group_by(.l[0]) | map({k: .[0].l[0], n: (map(.n) | add), "
                        "s: (map(.s | length) | max), u: (map(.l[1]) | unique)})"], give.encode())]


def openssl(world):
    tool = find("openssl")
    world.write("text", text_of(50000))
    packed = world.call([tool, "enc", "-aes-256-cbc", "-K", "00" * 32, "-iv", "11" * 16, "-in", "text"])
    world.call([tool, "genrsa", "-out", "key.pem", "2048"])
    world.call([tool, "req", "-new", "-x509", "-key", "key.pem", "-subj", "/CN=tarn", "-days", "1",
                "-out", "certificate.pem"])
    checked = world.call([tool, "verify", "-CAfile", "certificate.pem", "certificate.pem"])
    return [packed, checked, world.call([tool, "dgst", "-sha512", "text"])]


def vim(world):
    tool = find("vim.basic", "vim", "vim.tiny")
    world.write("text", text_of(30000))
    world.call([tool, "-u", "NONE", "-es", "-N", "-c", "%s/w\\+/<&>/e", "-c", "g/777/m0", "-c", "sort n",
                "-c", "undo", "-c", "redo", "-c", "wq", "text"])
    return [world.read("text")]


def bc(world):
    return [world.call([find("bc"), "-lq"], b"scale=600\n4*a(1)\ne(10)\n2^9000 % 1000000007\n")]


CASES = {"sqlite3": sqlite, "git": git, "busybox": busybox, "coreutils": coreutils,
         "tar-xz-gzip": archivers, "zstd": zstd, "jq": jq, "openssl": openssl, "vim": vim, "bc": bc}
