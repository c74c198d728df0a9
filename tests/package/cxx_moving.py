"""Which containers move with offset_allocator, for each C++ library there is: those that are said to do, and those
that are said not to compile do not. The tests of tarn.hpp with libc++ besides. Usage: cxx_moving.py SOURCE BUILD
SCRATCH"""

import os
import subprocess
import sys

LIBRARIES = {
    "libstdc++": (["g++"], ["list", "map", "set", "string", "forward_list", "unordered_map"]),
    "libc++": (["clang++", "-stdlib=libc++"], ["string"]),
    "boost::container": (["g++", "-DBOOST"], []),
}


def command(source, compiler, program):
    return [*compiler, "-std=c++17", "-O1", "-g", "-Wall", "-Wextra", "-D_GNU_SOURCE",
            "-I" + os.path.join(source, "include"), "-I" + os.path.join(source, "tests"),
            os.path.join(source, "tests/package", program)]


def run(source, build, scratch, compiler, program):
    out = os.path.join(scratch, program + "_" + compiler[-1].strip("-"))
    subprocess.run([*command(source, compiler, program), "-o", out, "-L" + build, "-ltarn",
                    "-Wl,-rpath," + build, "-pthread"], check=True)
    subprocess.run([out, out + ".tarn"], check=True)


def main():
    source, build, scratch = map(os.path.abspath, sys.argv[1:4])
    os.makedirs(scratch, exist_ok=True)
    for name, (compiler, refused) in LIBRARIES.items():
        run(source, build, scratch, compiler, "cxx_moving.cc")
        for container in refused:
            done = subprocess.run([*command(source, compiler, "cxx_moving.cc"), "-w", "-fsyntax-only",
                                   f"-DREFUSED={container}"], capture_output=True, text=True)
            if done.returncode == 0:
                raise SystemExit(f"{name}'s {container} compiles; does it move?")
            if "fatal error" in done.stderr or "offset_ptr" not in done.stderr:
                raise SystemExit(f"{name}'s {container} fails for another reason:\n{done.stderr[:3000]}")
    for program in "cxx_containers.cc", "cxx_image.cc":
        run(source, build, scratch, LIBRARIES["libc++"][0], program)


main()
