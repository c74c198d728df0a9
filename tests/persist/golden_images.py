"""The golden images: small images of each format version that this library reads, kept compressed in
golden/, opened, checked and compared. Usage: golden_images.py make|check GOLDEN_PROGRAM FOLDER"""

import lzma
import os
import subprocess
import sys
import tempfile

KINDS = ("clean", "journal", "torn", "pool", "shared-open")
PARTS = ("", "-journal")
ANEW = "make golden-persist"


def run(program, *words):
    return subprocess.run([program, *words], timeout=60, capture_output=True, text=True)


def make(program, folder, version):
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    with tempfile.TemporaryDirectory(prefix="tarn-golden-") as scratch:
        for kind in KINDS:
            image = os.path.join(scratch, kind)
            done = run(program, "make", kind, image)
            if done.returncode != 0:
                sys.exit(f"{kind}: {done.stderr}")
            for part in PARTS:
                if os.path.exists(image + part):
                    with open(image + part, "rb") as file:
                        packed = lzma.compress(file.read(), preset=9)
                    with open(os.path.join(folder, f"{version}-{kind}{part}.xz"), "wb") as file:
                        file.write(packed)


def unpack(folder, version, kind, scratch):
    image = os.path.join(scratch, "image")
    for part in PARTS:
        if os.path.exists(image + part):
            os.unlink(image + part)
        name = os.path.join(folder, f"{version}-{kind}{part}.xz")
        if os.path.exists(name):
            with open(name, "rb") as packed, open(image + part, "wb") as file:
                file.write(lzma.decompress(packed.read()))
    return image


def check(program, folder, version):
    missing = [kind for kind in KINDS if not os.path.exists(os.path.join(folder, f"{version}-{kind}.xz"))]
    if missing:
        sys.exit(f"there are no golden images of format and engine version {version} ({', '.join(missing)}): "
                 f"if the version was raised on purpose, '{ANEW}' makes them anew")
    failed = []
    with tempfile.TemporaryDirectory(prefix="tarn-golden-") as scratch:
        for kind in KINDS:
            done = run(program, "look", kind, unpack(folder, version, kind, scratch))
            if done.returncode != 0:
                failed.append(f"{kind}: {done.stderr.strip() or done.returncode}")
        done = run(program, "refuse", unpack(folder, version, "clean", scratch))
        if done.returncode != 0:
            failed.append(f"refusals: {done.stderr.strip() or done.returncode}")
    if failed:
        sys.exit("\n".join(failed) + "\nwhat earlier builds of this format version wrote is not read any more: raise "
                 f"the version in src/persist/format.h, then '{ANEW}'")
    print(f"{len(KINDS)} images of format and engine version {version}")


def main():
    what, program, folder = sys.argv[1:]
    version = run(program, "version").stdout.strip()
    (make if what == "make" else check)(program, folder, version)


main()
