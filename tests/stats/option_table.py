"""The TARN_* variables do what docs/options.md says, and what is not understood is reported in
exact words. Usage: option_table.py PROGRAM DOCUMENT, with TARN_TEST_SUBJECT the library."""

import os
import re
import subprocess
import sys
import xml.dom.minidom

PROGRAM, DOCUMENT = sys.argv[1:3]
LIBRARY = os.environ["TARN_TEST_SUBJECT"]
FILLED = 60000 * 1000 // 1024  # KiB
faults = []


def run(words, **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TARN_")}
    environment.update(variables, LD_PRELOAD=LIBRARY)
    done = subprocess.run([PROGRAM, *words.split()], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        faults.append(f"{words} {variables}: ended with {done.returncode}: {done.stderr}")
    return done.stdout, done.stderr


def check(what, holds):
    print(what, "so" if holds else "NOT SO")
    if not holds:
        faults.append(what)


def number(words, **variables):
    out = run(words, **variables)[0].split()
    return int(out[-1]) if out else -1


def reports():
    for variables, text in [
        ({}, ""),
        ({"TARN_STATS": "0"}, ""),
        ({"TARN_STATS": ""}, ""),
        ({"TARN_TEST_ANYTHING": "1"}, ""),
        ({"TARNISHED": "1"}, ""),
        ({"TARN_STAT": "1"}, "tarn: TARN_STAT: no such option, ignored; is TARN_STATS meant?\n"),
        ({"TARN_HUGEPAGES": "on"},
         "tarn: TARN_HUGEPAGES: no such option, ignored; is TARN_HUGE_PAGES meant?\n"),
        ({"TARN_COLOUR": "1"}, "tarn: TARN_COLOUR: no such option, ignored\n"),
        ({"TARN_" + "X" * 300: "1"}, "tarn: TARN_" + "X" * 27 + "...: no such option, ignored\n"),
        ({"TARN_STATS": "yes"}, "tarn: TARN_STATS=yes: must be 0 or 1, ignored\n"),
        ({"TARN_PURGE": "-1"}, "tarn: TARN_PURGE=-1: must be KiB, a size as 64M, off, now or auto, ignored\n"),
        ({"TARN_PURGE": "99999999999999999999"},
         "tarn: TARN_PURGE=99999999999999999999: must be KiB, a size as 64M, off, now or auto, ignored\n"),
        ({"TARN_PURGE": "4Mi"}, "tarn: TARN_PURGE=4Mi: must be KiB, a size as 64M, off, now or auto, ignored\n"),
        ({"TARN_PURGE": "20m"}, ""),
        ({"TARN_PURGE": "0x10GiB"}, ""),
        ({"TARN_PROFILE_INTERVAL": "1T"}, ""),
        ({"TARN_PROFILE_INTERVAL": "64k"}, ""),
        ({"TARN_PROFILE_INTERVAL": "0K"},
         "tarn: TARN_PROFILE_INTERVAL=0K: must be bytes or a size as 64K, ignored\n"),
        ({"TARN_PROFILE_INTERVAL": "99999999T"},
         "tarn: TARN_PROFILE_INTERVAL=99999999T: must be bytes or a size as 64K, ignored\n"),
        ({"TARN_HUGE_PAGES": "2"}, "tarn: TARN_HUGE_PAGES=2: must be off, on or auto, ignored\n"),
    ]:
        err = run("", **variables)[1]
        check(f"{variables} reports {text!r}", err == text)
        if err != text:
            print("  but:", repr(err))


def summary():
    for words in ["", "closed", "fill", "fork fill"]:
        err = run(words, TARN_STATS="1")[1]
        pages = err.count("tarn: the heap of process ")
        check(f"TARN_STATS=1 {words!r} prints a page for each process",
              pages == (2 if "fork" in words else 1) and "\nlive " in err)
    check("with 60 MB live the page says so",
          "\nlive                        58.9 MiB" in run("fill", TARN_STATS="1")[1] or
          re.search(r"\nlive +(5[89]|6[0-3])\.\d MiB", run("fill", TARN_STATS="1")[1]))


def purging():
    kept = number("fill empty resident", TARN_PURGE="off")
    gone = number("fill empty resident", TARN_PURGE="now")
    some = number("fill empty resident", TARN_PURGE="20480")
    check(f"TARN_PURGE=off keeps {kept} KiB", kept >= FILLED)
    check(f"TARN_PURGE=now keeps {gone} KiB", gone <= FILLED // 4)
    check(f"TARN_PURGE=20480 keeps {some} KiB", some <= gone + 22000)
    some = number("fill empty resident", TARN_PURGE="20M")
    check(f"TARN_PURGE=20M keeps {some} KiB", some <= gone + 22000)
    check("mallopt(M_TRIM_THRESHOLD, 0) is like now",
          number("keep-nothing fill empty resident", TARN_PURGE="off") <= FILLED // 4)


def pages():
    usual = number("resident")
    check("TARN_POPULATE=1 faults in what is committed",
          number("resident", TARN_POPULATE="1") >= usual + 500)
    check("TARN_HUGE_PAGES=on asks for them", number("fill hg", TARN_HUGE_PAGES="on") > 0)
    check("TARN_HUGE_PAGES=off asks against them", number("fill nh", TARN_HUGE_PAGES="off") > 0)


def helper():
    check("there is no helper unless asked for", number("threads") == 1)
    check("there is one when asked for", number("threads", TARN_HELPER="1") == 2)
    idle = number("fill empty wait resident", TARN_HELPER="1", TARN_PURGE="off")
    check(f"the helper leaves {idle} KiB", idle <= FILLED // 4)
    idle = number("fork fill empty wait resident", TARN_HELPER="1", TARN_PURGE="off")
    check(f"and in a fork's child {idle} KiB", idle <= FILLED // 4)
    check("which has a helper of its own", number("fork fill threads", TARN_HELPER="1") == 2)


def documents():
    with open(DOCUMENT, encoding="utf-8") as file:
        told = set(re.findall(r"^\| `(TARN_\w+)`", file.read(), re.M))
    table = os.path.join(os.path.dirname(DOCUMENT), "..", "src", "os", "option.c")
    with open(table, encoding="utf-8") as file:
        known = set(re.findall(r'^    {{"(TARN_\w+)"', file.read(), re.M))
    check(f"{DOCUMENT} tells of {sorted(known)}", told == known)


def info():
    tree = xml.dom.minidom.parseString(run("fill info")[0]).documentElement
    check("malloc_info is well-formed", tree.tagName == "malloc" and tree.getAttribute("version") == "1")
    names = {e.tagName for e in tree.getElementsByTagName("*")}
    check("and has glibc's elements",
          {"heap", "sizes", "size", "total", "system", "aspace"} <= names)
    check("of all the types",
          [e.getAttribute("type") for e in tree.childNodes if e.nodeType == e.ELEMENT_NODE][1:] ==
          ["fast", "rest", "mmap", "current", "max", "total", "mprotect"])


reports()
summary()
purging()
pages()
helper()
documents()
info()
if faults:
    sys.exit("not so:\n" + "\n".join(map(str, faults)))
