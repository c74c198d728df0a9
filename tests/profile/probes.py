"""The trace points: the library's notes name them, and a debugger sees each fire with its arguments.
Usage: probes.py LIBRARY PROFILE_KNOWN"""

import os
import re
import shutil
import subprocess
import sys

LIBRARY, KNOWN = sys.argv[1:3]
PROBES = {"tarn:alloc": 2, "tarn:free": 1, "tarn:large": 2, "tarn:commit": 2, "tarn:purge": 2,
          "otel_memory:alloc": 3, "otel_memory:free": 1}

notes = subprocess.run(["readelf", "-n", LIBRARY], capture_output=True, text=True, check=True).stdout
found = {}
for provider, name, arguments in re.findall(r"Provider: (\S+)\s+Name: (\S+)\s.*?Arguments: ([^\n]*)", notes, re.S):
    found[f"{provider}:{name}"] = len(arguments.split())
if found != PROBES:
    sys.exit(f"the notes say {found}")
code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", LIBRARY], capture_output=True, text=True,
                      check=True).stdout
for place in re.findall(r"Location: 0x0*([0-9a-f]+), Base", notes):
    if not re.search(rf"^ +{place}:\s+nop", code, re.M):
        sys.exit(f"at {place} there is more than a nop")
if shutil.which("gdb") is None:
    print("gdb is not there", file=sys.stderr)
    sys.exit(77)

command = ["gdb", "-batch", "-nx", "-ex", "set debuginfod enabled off", "-ex", "set breakpoint pending on",
           "-ex", f"set environment LD_PRELOAD {LIBRARY}",
           "-ex", "set environment TARN_PROFILE /dev/null", "-ex", "set startup-with-shell off"]
names = [name for name in PROBES if name != "tarn:purge"]
for name in names:
    command += ["-ex", f"tbreak -probe-stap {name}"]
command += ["-ex", "run"]
for _ in names:
    command += ["-ex", "printf \"fired %p\\n\", $_probe_argc", "-ex", "p $_probe_arg0", "-ex", "continue"]
done = subprocess.run([*command, KNOWN], capture_output=True, text=True, timeout=100,
                      env={**os.environ, "LD_PRELOAD": ""})
fired = re.findall(r"^fired 0x(\d)$", done.stdout, re.M)
if "ptrace" in done.stderr and not fired:
    print("gdb may not trace here", file=sys.stderr)
    sys.exit(77)
if sorted(fired[:len(names)]) != sorted(str(PROBES[name]) for name in names):
    sys.exit(f"fired: {fired}\n{done.stdout}\n{done.stderr}")
