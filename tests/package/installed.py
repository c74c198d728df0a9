"""Installs the build below a prefix with spaces in its path, moves the tree elsewhere, and builds and runs
other people's programs against it: by pkg-config and a shell, and by a CMake project that finds the package.
Then installs and uninstalls beside files that are not Tarn's. Usage: installed.py SOURCE BUILD SCRATCH"""

import os
import shlex
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CONSUMER = os.path.join(HERE, "consumer")

# Program, its source, compiler, pkg-config module, whether it is linked with libtarn.so.
PROGRAMS = [
    ("faces", "use_faces.c", "cc -std=c11", "tarn", True),
    ("faces-cxx", "use_faces.cc", "c++ -std=c++17", "tarn", True),
    ("quick", "use_quick.c", "cc -std=c11", "tarn-quick", False),
    ("kore", "use_kore.c", "cc -std=c11", "tarn-kore", True),
    ("cork", "use_cork.c", "cc -std=c11", "tarn-cork", True),
    ("pmemcto", "use_pmemcto.c", "cc -std=c11", "tarn-pmemcto", True),
    ("pma", "use_pma.c", "cc -std=c11", "tarn-pma", True),
    ("plan9", "use_plan9.c", "cc -std=c11", "tarn-plan9", False),
]


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def install(build, prefix, stage=None):
    environment = dict(os.environ, **({"DESTDIR": stage} if stage else {}))
    run(["cmake", "--install", build, "--prefix", prefix], env=environment)


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def check_program(program, libraries):
    """The program says it found what it kept; libtarn.so comes from where it was installed."""
    kept = program + ".kept"
    for path in (kept, kept + "-journal"):
        if os.path.exists(path):
            os.unlink(path)
    environment = dict(os.environ, LD_LIBRARY_PATH=libraries) if libraries else None
    said = run([program, kept], env=environment)
    if said != "kept\n":
        raise SystemExit(f"{program} says {said!r}")


def by_pkgconfig(moved, scratch):
    libraries = os.path.join(moved, "lib")
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(libraries, "pkgconfig"))
    output = fresh(os.path.join(scratch, "by pkgconfig"))
    for name, source, compiler, module, shared in PROGRAMS:
        program = os.path.join(output, name)
        # A static program's C library allocates before main; Plan 9's malloc begins with mallocinit.
        for static in ("", "-static") if name != "plan9" else ("",):
            # As the manual says it: the flags carry the path's spaces quoted, so the shell reads them twice.
            line = (f"eval {compiler} {static} -Wall -Wextra -Werror -o {shlex.quote(shlex.quote(program + static))} "
                    f"{shlex.quote(shlex.quote(os.path.join(CONSUMER, source)))} "
                    f'"$(pkg-config {"-" + static if static else ""} --cflags --libs {module})"')
            run(["sh", "-c", line], env=environment)
            check_program(program + static, libraries if not static else None)
        if static and "NEEDED" in run(["readelf", "-d", program + "-static"]):
            raise SystemExit(f"{name} is not static")
        needed = run(["readelf", "-d", program])
        if ("libtarn.so.1" in needed) != shared:
            raise SystemExit(f"{name}: libtarn.so.1 is {'not ' if shared else ''}needed")
    version = run(["pkg-config", "--modversion", "tarn"], env=environment).strip()
    static = run(["pkg-config", "--static", "--libs", "tarn"], env=environment)
    if "-pthread" not in static or version != run([os.path.join(moved, "bin/tarn"), "--version"]).split()[1]:
        raise SystemExit(f"version {version}, static flags {static}")


def by_cmake(moved, scratch):
    output = fresh(os.path.join(scratch, "by cmake"))
    run(["cmake", "-G", "Ninja", "-S", CONSUMER, "-B", output, f"-DCMAKE_PREFIX_PATH={moved}",
         "-DCMAKE_BUILD_TYPE=Debug"])
    run(["cmake", "--build", output])
    for name in [program[0] for program in PROGRAMS] + ["faces-static", "faces-cxx-static"]:
        check_program(os.path.join(output, name), None)


def uninstalling(source, build, scratch):
    stage = fresh(os.path.join(scratch, "un install"))
    foreign = ["usr/include/other.h", "usr/include/tarn/mine.h", "usr/lib/libother.so"]
    install(build, "/usr", stage)
    for path in foreign:
        with open(os.path.join(stage, path), "w", encoding="utf-8") as file:
            file.write("not Tarn's\n")
    run([os.path.join(source, "cmake/uninstall"), build, "/usr"], env=dict(os.environ, DESTDIR=stage))
    left = sorted(os.path.relpath(os.path.join(folder, name), stage)
                  for folder, _, names in os.walk(stage) for name in names)
    if left != sorted(foreign):
        raise SystemExit(f"uninstalling left {left}")
    folders = {os.path.basename(folder) for folder, _, _ in os.walk(stage)}
    if folders & {"tarn-compat", "pmemcto", "libcork"}:
        raise SystemExit(f"uninstalling left folders: {folders}")


def names_no_prefix(moved, build):
    """Nothing that is installed as text names where it was installed or built."""
    for folder, _, names in os.walk(moved):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith((".pc", ".cmake", ".h", ".hpp")) or "/man/" in folder:
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                if "/my prefix" in text or build in text:
                    raise SystemExit(f"{path} names a folder of the machine")


def main():
    source, build, scratch = map(os.path.abspath, sys.argv[1:4])
    stage = fresh(os.path.join(scratch, "stage here"))
    install(build, "/opt/my prefix", stage)
    # pkg-config before pkgconf took its place splits a prefix at its spaces.
    pkgconf = int(run(["pkg-config", "--version"]).split(".")[0]) >= 1
    moved = os.path.join(scratch, "moved to there" if pkgconf else "moved")
    shutil.rmtree(moved, ignore_errors=True)
    shutil.move(os.path.join(stage, "opt/my prefix"), moved)
    names_no_prefix(moved, build)
    by_pkgconfig(moved, scratch)
    by_cmake(moved, scratch)
    uninstalling(source, build, scratch)
    print(f"{len(PROGRAMS)} programs by pkg-config, {len(PROGRAMS) + 2} by CMake")


main()
