"""What can be said of debian/ without building packages (make check-deb does): the symbols file lists what
libtarn.so exports, versions agree, every kind of file that is installed goes into a package.
Usage: packaging.py SOURCE LIBRARY SCRATCH BUILD [--write], which writes the symbols file"""

import fnmatch
import os
import re
import subprocess
import sys


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as file:
        return file.read()


def main():
    source, library, build = sys.argv[1:4]
    listed = subprocess.run(["nm", "-D", "--defined-only", "--extern-only", library], capture_output=True,
                            text=True, check=True).stdout
    exported = {line.split()[-1].split("@")[0] for line in listed.splitlines()}
    version = re.search(r"^project\(tarn VERSION (\S+)", read(source, "CMakeLists.txt"), re.M).group(1)
    path = os.path.join(source, "debian/libtarn1.symbols")
    if "--write" in sys.argv:
        with open(path, "w", encoding="utf-8") as file:
            file.write("libtarn.so.1 libtarn1 #MINVER#\n* Build-Depends-Package: libtarn-dev\n")
            file.writelines(f" {name}@Base {version}\n" for name in sorted(exported))
    known = set(re.findall(r"^ (\S+)@Base", read(path), re.M))
    faults = [f"{name} is exported, but not in debian/libtarn1.symbols" for name in sorted(exported - known)]
    faults += [f"{name} is in debian/libtarn1.symbols, but not exported" for name in sorted(known - exported)]
    said = {"debian/changelog": re.match(r"tarn \(([^)]*)\)", read(source, "debian/changelog")).group(1),
            "CHANGELOG.md": re.search(r"^## (\S+)", read(source, "CHANGELOG.md"), re.M).group(1),
            "tarn.h": ".".join(re.findall(r"TARN_VERSION_\w+ (\d+)", read(source, "include/tarn/tarn.h")))}
    faults += [f"{place} says version {other}, CMakeLists.txt {version}" for place, other in said.items()
               if other != version]
    patterns = [line for name in os.listdir(os.path.join(source, "debian")) if name.endswith(".install")
                for line in read(source, "debian", name).split()]
    stage = os.path.join(build, "debian stage")
    subprocess.run(["rm", "-rf", stage], check=True)
    subprocess.run(["cmake", "--install", sys.argv[4], "--prefix", "/usr"], check=True, capture_output=True,
                   env=dict(os.environ, DESTDIR=stage))
    files = [os.path.relpath(os.path.join(folder, name), stage).replace("usr/lib/", "usr/lib/x/", 1)
             for folder, _, names in os.walk(stage) for name in names]
    files = [name.replace("usr/lib/x/x86_64-linux-gnu/", "usr/lib/x/").replace("/doc/tarn/", "/doc/libtarn-dev/")
             for name in files]
    faults += [f"{name} is installed, but in no package" for name in sorted(files)
               if not any(fnmatch.fnmatchcase(name, end) for pattern in patterns
                          for end in (pattern, pattern + "/*"))]
    print("\n".join(faults))
    if faults:
        raise SystemExit(f"{len(faults)} faults of debian/; make symbols writes the symbols file")
    print(f"{len(exported)} symbols, {len(files)} files in {len(patterns)} patterns")


main()
