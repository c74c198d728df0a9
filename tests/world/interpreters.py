"""Cases: interpreters, each with a program whose answer is known or must be the same."""

import glob
import os
import shutil
import subprocess

from world_run import Skip, World, find

PYTHON_PROGRAM = """
import collections, decimal, gc, hashlib, json, random, re, sqlite3, threading, zlib
random.seed(7)
class Node:
    def __init__(self, key): self.key, self.links = key, []
nodes = [Node(i) for i in range(40000)]
for n in nodes: n.links = [random.choice(nodes) for _ in range(4)]
text = json.dumps({str(i): [random.random()] * (i % 9) for i in range(20000)})
back = json.loads(text)
words = collections.Counter(re.findall(r'[0-9]{3}', text))
decimal.getcontext().prec = 400
root = decimal.Decimal(2).sqrt()
base = sqlite3.connect(':memory:')
base.execute('create table t (a integer primary key, b text)')
base.executemany('insert into t (b) values (?)', [(w,) for w in words])
found = []
def work(k): found.append(sum(len(str(x)) for x in range(k * 10000)))
threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
big = 3 ** 60000
del nodes; gc.collect()
print(len(text), len(back), sum(words.values()), str(root)[-20:], sorted(found))
print(base.execute('select count(*), max(b) from t').fetchone(), big % 1000003)
print(hashlib.sha256(zlib.compress(text.encode(), 9)).hexdigest())
"""

# Tests of python3's own that allocate in earnest and are done in seconds.
PYTHON_TESTS = """test_json test_list test_dict test_set test_bytes test_unicode test_re test_heapq
test_collections test_deque test_itertools test_functools test_gc test_zlib
test_struct test_memoryview test_string test_thread test_copy
test_generators test_class test_descr test_bigmem test_ctypes
test_csv test_mmap test_hashlib test_bz2 test_xml_etree_c
test_exceptions test_coroutines test_sort test_atexit""".split()

PERL_PROGRAM = r"""
use strict; use warnings; use List::Util qw(sum shuffle); use Digest::SHA qw(sha256_hex);
srand(3);
my (%table, @list); my $text = '';
for my $i (1 .. 120000) { $table{"k" . ($i * 7919 % 100003)} .= "v$i,"; push @list, { n => $i, l => [1 .. $i % 7] }; }
$text .= "$_=$table{$_};" for sort keys %table;
my $count = () = $text =~ /(\d)\1/g; $text =~ s/(\d+),/<$1>/g;
@list = sort { $b->{n} % 1000 <=> $a->{n} % 1000 || $a->{n} <=> $b->{n} } @list;
my $pid = fork(); if (!$pid) { my @more = map { { %$_ } } @list; exit(scalar(@more) == 120000 ? 0 : 1); }
waitpid($pid, 0); die if $?;
print length($text), " $count ", sum(map { $_->{n} } @list), " ", sha256_hex($text), "\n";
"""

LUA_PROGRAM = """
local function tree(d) if d == 0 then return {} end return {tree(d - 1), tree(d - 1)} end
local function count(t) return t[1] and 1 + count(t[1]) + count(t[2]) or 1 end
local sum = 0
for i = 1, 12 do sum = sum + count(tree(14)) end
local parts = {}
for i = 1, 200000 do parts[#parts + 1] = string.format("%d:%s", i, ("x"):rep(i % 13)) end
local text = table.concat(parts, ",")
local co = coroutine.wrap(function() for i = 1, 50000 do coroutine.yield({i}) end end)
local total = 0
for i = 1, 50000 do total = total + co()[1] end
collectgarbage()
print(sum, #text, select(2, text:gsub("x+", "y")), total)
"""

GAWK_PROGRAM = r"""
BEGIN {
    srand(5)
    for (i = 1; i <= 200000; i++) { key = "k" (i * 7919 % 50021); table[key] = table[key] i ","; n[i % 1000][i] = i }
    count = asorti(table, order)
    for (i = 1; i <= count; i += 977) text = text order[i] "=" substr(table[order[i]], 1, 20) ";"
    gsub(/[0-4]+/, "<&>", text)
    for (a in n) for (b in n[a]) sum += n[a][b]
    printf "%d %d %s\n", count, sum, text
}
"""

NODE_PROGRAM = """
const crypto = require('crypto'), zlib = require('zlib');
const { Worker, isMainThread, parentPort } = require('worker_threads');
if (!isMainThread) {
    const list = []; for (let i = 0; i < 200000; i++) list.push({ i, s: 'w' + i % 97 });
    parentPort.postMessage(list.filter(x => x.s.endsWith('7')).length);
} else {
    const table = new Map(); for (let i = 0; i < 300000; i++) table.set('k' + i * 7919 % 100003, [i]);
    const buffers = []; for (let i = 0; i < 3000; i++) buffers.push(Buffer.alloc(1 + i * 37 % 90000, i & 255));
    const joined = Buffer.concat(buffers);
    const packed = zlib.deflateSync(joined), back = zlib.inflateSync(packed);
    const hash = crypto.createHash('sha256').update(back).digest('hex');
    const answers = []; let left = 3;
    for (let i = 0; i < 3; i++) new Worker(__filename).on('message', m => {
        answers.push(m);
        if (--left == 0) console.log(table.size, joined.length, hash, answers.join());
    });
}
"""

JAVA_PROGRAM = """
import java.util.*; import java.util.concurrent.*; import java.util.zip.*; import java.nio.*;
public class Probe {
    public static void main(String[] a) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<Long>> list = new ArrayList<>();
        for (int t = 0; t < 8; t++) { final int seed = t; list.add(pool.submit(() -> {
            Random r = new Random(seed); TreeMap<String, byte[]> m = new TreeMap<>(); long s = 0;
            for (int i = 0; i < 60000; i++) { m.put("k" + r.nextInt(5000), new byte[r.nextInt(300)]); }
            for (byte[] b : m.values()) s += b.length;
            for (int i = 0; i < 200; i++) {
                ByteBuffer d = ByteBuffer.allocateDirect(1 + r.nextInt(200000)); d.put(0, (byte) i); s += d.capacity();
                Deflater z = new Deflater(); z.setInput(new byte[50000]); z.finish(); s += z.deflate(new byte[60000]); z.end();
            }
            return s; })); }
        long sum = 0; for (Future<Long> f : list) sum += f.get();
        pool.shutdown(); System.out.println(sum);
    }
}
"""

TCL_PROGRAM = """
set d [dict create]
for {set i 0} {$i < 100000} {incr i} { dict lappend d [expr {$i * 7919 % 5003}] "v$i" }
set t ""
foreach k [lsort -integer [dict keys $d]] { append t $k= [join [dict get $d $k] ,] ";" }
puts "[string length $t] [regexp -all {v[0-9]*7,} $t] [llength [split $t ,]]"
"""

SHELL_PROGRAM = """
declare -A t
for ((i = 0; i < 12000; i++)); do k=$((i * 7919 % 1009)); t[$k]+="$i,"; done
s=; for k in $(printf '%s\\n' "${!t[@]}" | sort -n); do s+="$k=${t[$k]};"; done
for i in 1 2 3 4 5; do x=$(echo "$s" | tr , '\\n' | wc -l); done
y=${s:0:20000}; echo "${#s} $x ${y//[0-3]/}" | cksum
"""


def python(world):
    return [world.call([find("python3")], PYTHON_PROGRAM.encode())]


def python_with_tests():
    """A python3 that has its own test suite: the distribution's or one built by hand."""
    candidates = [shutil.which("python3", path="/usr/bin:/usr/local/bin"), shutil.which("python3")]
    candidates += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.1*/bin/python3")))
    for path in filter(None, candidates):
        asked = subprocess.run([path, "-c", "import sys, test.test_json; print(sys.executable)"],
                               capture_output=True, text=True)
        if asked.returncode == 0:
            return asked.stdout.strip()
    raise Skip("a python3 with its test suite (on Debian 12: libpython3.11-testsuite)")


def python_tests(world):
    """The tests know their answers, so the system's allocator is not asked."""
    if not world.library:
        return [b"all passed"]
    interpreter = python_with_tests()
    present = subprocess.run([interpreter, "-m", "test", "--list-tests"], capture_output=True,
                             text=True, check=True).stdout.split()
    chosen = [name for name in PYTHON_TESTS if name in present]
    if len(chosen) < 25:
        raise RuntimeError(f"only {len(chosen)} of the tests are there")
    command = [interpreter, "-m", "test", *chosen]
    try:
        world.call(command, timeout=400)
    except RuntimeError:
        bare = World(world.root, world.folder, "")
        try:
            bare.call(command, timeout=400)
        except RuntimeError:
            raise Skip("a python3 that passes its own tests on the system's allocator") from None
        raise
    return [b"all passed"]


def perl(world):
    return [world.call([find("perl"), "-"], PERL_PROGRAM.encode())]


def lua(world):
    answer = world.call([find("lua5.4", "lua5.3", "lua"), "-"], LUA_PROGRAM.encode())
    if not answer.startswith(b"393204\t"):
        raise RuntimeError(f"lua says {answer!r}")
    return [answer]


def gawk(world):
    return [world.call([find("gawk"), GAWK_PROGRAM])]


def node(world):
    return [world.call([find("node", "nodejs"), world.write("probe.js", NODE_PROGRAM)])]


def java(world):
    compiler, machine = find("javac"), find("java")
    world.write("Probe.java", JAVA_PROGRAM)
    world.call([compiler, "Probe.java"])
    return [world.call([machine, "-Xmx256m", collector, "Probe"])
            for collector in ("-XX:+UseSerialGC", "-XX:+UseG1GC")]


def tcl(world):
    return [world.call([find("tclsh8.6", "tclsh")], TCL_PROGRAM.encode())]


def bash(world):
    return [world.call([find("bash")], SHELL_PROGRAM.encode())]


CASES = {"python3": python, "python3-tests": python_tests, "perl": perl, "lua": lua, "gawk": gawk,
         "node": node, "java": java, "tcl": tcl, "bash": bash}
