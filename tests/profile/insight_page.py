"""Every command of docs/insight.md runs, in one folder, from top to bottom; every program in it compiles and
runs. Usage: insight_page.py PAGE TARN LIBRARY INCLUDE"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

PAGE, TARN, LIBRARY, INCLUDE = sys.argv[1:5]
with open(PAGE, encoding="utf-8") as file:
    BLOCKS = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", file.read())
FOLDER = tempfile.mkdtemp()
ENVIRONMENT = {**os.environ, "TARN_LIBRARY": LIBRARY,
               "PATH": f"{os.path.dirname(TARN)}:{os.environ['PATH']}"}
for name in ("jq", "google-pprof", "heaptrack_print"):
    if shutil.which(name) is None:
        print(f"{name} is not there", file=sys.stderr)
        sys.exit(77)


def run(command):
    done = subprocess.run(command, cwd=FOLDER, env=ENVIRONMENT, capture_output=True, text=True, timeout=100)
    if done.returncode != 0:
        sys.exit(f"{command}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


try:
    ran = 0
    for language, text in BLOCKS:
        if language == "sh":
            run(["bash", "-e", "-o", "pipefail", "-c", text])
        elif language == "c":
            with open(f"{FOLDER}/program.c", "w", encoding="utf-8") as file:
                file.write(text)
            run(["cc", "-std=c11", "-Wall", "-Werror", "-fno-builtin", f"-I{INCLUDE}", "program.c", "-o", "program",
                 LIBRARY, f"-Wl,-rpath,{os.path.dirname(LIBRARY)}"])
            run(["./program"])
        else:
            sys.exit(f"a block of {language or 'no language'}")
        ran += 1
    for name in ("heap.pb.gz", "heap.folded", "heap.heaptrack", "heap.txt", "heap.table", "now.pb.gz", "leaks.txt", "later.folded"):
        if os.path.getsize(f"{FOLDER}/{name}") == 0:
            sys.exit(f"{name} is empty")
    with open(f"{FOLDER}/leaks.txt", encoding="utf-8") as file:
        if "tarn: live: " not in file.read():
            sys.exit("no leaks are listed")
    print(f"{ran} blocks")
finally:
    shutil.rmtree(FOLDER)
