"""The manual is whole and well formed: mandoc has neither an error nor a warning about any page, each name
that the libraries export or a public header defines has a page, each command has one, and each page that is
referred to is there. Usage: manual_pages.py SOURCE BUILD"""

import os
import re
import shutil
import subprocess
import sys

# Names declared for inline functions alone; the headers say so.
PRIVATE = re.compile(r".*_$|tarn_pool_(alloc|free)_slow$")
# Pages of the system's that may be referred to.
SYSTEM = {("malloc", "3"), ("mallinfo", "3"), ("malloc_info", "3")}


def lint(text):
    """What mandoc says of a page; styles, which it has many of, are not asked for."""
    return subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=text, capture_output=True,
                          text=True).stdout


def exported(build):
    names = set()
    for flags, library in (["-D"], "libtarn.so"), ([], "libtarn-quick.a"):
        listed = subprocess.run(["nm", *flags, "--defined-only", "--extern-only", os.path.join(build, library)],
                                capture_output=True, text=True, check=True).stdout
        names |= set(re.findall(r"[TWi] (tarn_\w+)", listed))
    return names


def defined_in_headers(source):
    names = set()
    folder = os.path.join(source, "include/tarn")
    for name in os.listdir(folder):
        if name.endswith(".h"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text = file.read()
            names |= set(re.findall(r"^(?:inline \w+ \*?)?(tarn_\w+)\(", text, re.M))
            names |= set(re.findall(r"^#\s*define (tarn_\w+)\(", text, re.M))
    return names


def main():
    source, build = sys.argv[1:3]
    if not shutil.which("mandoc"):
        print("skipped: mandoc is not on this machine", file=sys.stderr)
        sys.exit(77)
    if not lint(".Dd x\n.Dt A 3\n.Sh NAME\n.Bl -bullet\n"):
        raise SystemExit("mandoc finds nothing wrong with a page that is")
    faults = []
    pages = {}
    for folder, _, names in os.walk(os.path.join(build, "man")):
        for name in names:
            if re.search(r"\.[1-9]$", name):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    pages[tuple(name.rsplit(".", 1))] = file.read()
    for (name, section), text in sorted(pages.items()):
        link = re.match(r"\.so man\d/(.*)\.(\d)$", text.strip())
        if link:
            if link.groups() not in pages or f".Nm {name}" not in pages[link.groups()]:
                faults.append(f"{name}.{section} leads to {link.groups()}, which does not name it")
            continue
        said = lint(text)
        if said:
            faults.append(f"{name}.{section}:\n{said}")
        for other in re.findall(r"^\.(?:It )?Xr (\S+) (\d)", text, re.M):
            if other not in pages and other not in SYSTEM:
                faults.append(f"{name}.{section} refers to {other[0]}({other[1]}), which is not there")
    functions = exported(build) | defined_in_headers(source)
    if len(functions) < 80:
        faults.append(f"only {len(functions)} functions were found")
    faults += [f"{name} has no page" for name in sorted(functions)
               if not PRIVATE.match(name) and (name, "3") not in pages]
    shown = subprocess.run([os.path.join(build, "tarn"), "--help"], capture_output=True, text=True).stdout
    commands = re.findall(r"^  (\S+) ", shown.split("commands:")[1], re.M)
    faults += [f"tarn {name} has no page" for name in commands if (f"tarn-{name}", "1") not in pages]
    faults += [f"{page} is missing" for page in [("tarn", "1"), ("tarn", "7"), ("tarn-image", "5"),
                                                 ("tarn_hpp", "3"), ("tarn-compat", "3")] if page not in pages]
    print("\n".join(faults))
    if faults:
        raise SystemExit(f"{len(faults)} faults of the manual")
    print(f"{len(pages)} pages, {len(functions)} functions, {len(commands)} commands")


main()
