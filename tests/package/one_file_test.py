"""The one-file release: compiles as C11 without a warning with each compiler that is there, and works. Linked
into programs of other rooms' tests (heaps against a reference, pools, an image reopened by process after
process), and as a library to preload into the tests of malloc, python and a C++ program.
Usage: one_file_test.py SOURCE BUILD SCRATCH"""

import os
import shutil
import subprocess
import sys

WARNINGS = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror"]
MALLOC = ["-DTARN_ALL_MALLOC", "-fno-builtin-malloc", "-fno-builtin-calloc", "-fno-builtin-realloc",
          "-fno-builtin-free", "-fexceptions", "-fPIC", "-shared", "-ftls-model=initial-exec"]
# Linked with the object: the tests' own sources, below tests/; libraries; arguments.
LINKED = [
    (["heap/heaps.c"], ["-lcmocka"], []),
    (["pool/pool_model.c"], [], ["5000"]),
    (["persist/reopen.c", "persist/oracle.c", "persist/town.c"], [], ["@image", "40", "1"]),
]
PRELOADED = ["surface/in_effect", "surface/new_delete",
             "surface/aligned_calls", "surface/statistics", "surface/realloc_contents"]


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    source, build, scratch = map(os.path.abspath, sys.argv[1:4])
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    # Alone in a folder, as a user has it.
    for name in ("tarn_all.c", "tarn_all.h"):
        shutil.copy(os.path.join(build, "release", name), scratch)
    compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
    ran = 0
    item = os.path.join(scratch, "tarn_all.o")
    library = os.path.join(scratch, "libtarn_all.so")
    # An object by the last compiler, a library by the first; each compiler sees both forms.
    run([compilers[-1], *WARNINGS, "-c", "tarn_all.c", "-o", item], cwd=scratch)
    run([compilers[0], *WARNINGS, *MALLOC, "-pthread", "tarn_all.c", "-o", library], cwd=scratch)
    run([compilers[0], *WARNINGS, "-fsyntax-only", "tarn_all.c"], cwd=scratch)
    run([compilers[-1], *WARNINGS, "-fsyntax-only", *MALLOC[:-3], "tarn_all.c"], cwd=scratch)
    names = run(["nm", "--defined-only", "--extern-only", item])
    if " malloc\n" in names or " tarn_malloc\n" not in names:
        raise SystemExit(f"{item} has the wrong names:\n{names}")
    for sources, libraries, arguments in LINKED:
        program = os.path.join(scratch, os.path.basename(sources[0])[:-2])
        run([compilers[0], "-std=c11", "-D_GNU_SOURCE", "-I" + os.path.join(source, "include"),
             "-I" + os.path.join(source, "src"), "-I" + os.path.join(source, "tests"), "-O1",
             *[os.path.join(source, "tests", name) for name in sources], item, *libraries, "-pthread",
             "-o", program])
        run([program, *[argument.replace("@image", program + ".tarn") for argument in arguments]])
        ran += 1
    environment = dict(os.environ, LD_PRELOAD=library, TARN_TEST_SUBJECT=library)
    for name in PRELOADED:
        program = os.path.join(build, "tests", name)
        if os.path.exists(program):
            run([program], env=environment)
            ran += 1
    python = next(filter(os.path.exists, ["/usr/bin/python3", sys.executable]))
    run([python, "-c", "assert len({str(i): [i] for i in range(200000)}) == 200000"], env=environment)
    # The header, alone, in both languages.
    for compiler, language in (("gcc", "c"), ("g++", "c++")):
        if shutil.which(compiler):
            run([compiler, "-x", language, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                 os.path.join(scratch, "tarn_all.h")])
    if ran < 5:
        raise SystemExit(f"only {ran} programs were run")
    print(f"{ran} programs on tarn_all.c by {' and '.join(compilers)}")


main()
