"""Writes the library as one file: tarn_all.c, with tarn_all.h, from the sources in the order given. Names that
are a source file's own, but are in another as well, get that file's name in front; what a file defines for
the preprocessor ends with it.

xxhash.h, of the same kind of licence, goes in as it is, with its own.

Usage: one_file.py SOURCE-ROOT OUTPUT VERSION XXHASH-HEADER FILE... (paths below src/)"""

import collections
import os
import re
import sys

HEAD = """/*
 * Tarn {version}, the whole library in one file; made from its sources, which are where to look for comments on
 * how its parts fit together. The licence is at the end.
 *
 *     cc -std=c11 -O2 -c tarn_all.c -pthread
 *
 * With TARN_ALL_MALLOC defined it also has malloc, free and the rest of the C library's names, and C++'s
 * operators; then add -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free
 * -fexceptions, and -fPIC -shared -ftls-model=initial-exec for a library to preload. Otherwise it has only
 * the names of tarn_all.h.
 */
"""
# Files whose names are the C library's: only on request.
ON_REQUEST = {"watch/mallinfo.c", "malloc/surface.c", "malloc/cxx.c", "malloc/cxx_failure.c"}
# Public headers of archives of their own.
APART = {"quick.h"}
TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[A-Za-z_]\w*|\s+|.", re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">][^\n]*\n', re.M)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def own_names(text):
    """What a file defines for itself: static functions and objects, tags, constants of enumerations."""
    bare = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
    bare = re.sub(r"__attribute__\(\((?:[^()]|\([^()]*\))*\)\)", "", bare)
    bare = re.sub(r"\b_Atomic\(([^()]*)\)", r"\1", bare)
    names = set(re.findall(r"^[^\n;={]*\bstatic\b[^\n;={]*\n(\w+)\(", bare, re.M))
    names |= set(re.findall(r"^static[^\n;={(]*?\b(\w+)\([^\n]*", bare, re.M))
    names |= set(re.findall(r"^static[^;={(]*?\b(\w+)(?:\[[^]]*\])*\s*(?:=|;)", bare, re.M))
    names |= set(re.findall(r"^static [^;={]*\(\*(?:const )?(\w+)\)\(", bare, re.M))
    names |= set(re.findall(r"^(?:static |const )*(?:struct|union|enum) (\w+)\s*\{", bare, re.M))
    names |= set(re.findall(r"^typedef [^;]*?\b(\w+)(?:\([^;]*\))?;", bare, re.M))
    for body in re.findall(r"^(?:static )?enum(?: \w+)? *\{(.*?)\}", bare, re.M | re.S):
        names |= set(re.findall(r"(?:^|,)\s*([A-Za-z_]\w*)", body))
    return names


def shared_names(text):
    """What a header defines that would be hidden by a file's own name."""
    bare = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
    return own_names(bare) | set(re.findall(r"^(\w+)\(", bare, re.M)) | \
        set(re.findall(r"\b(?:struct|union|enum) (\w+)", bare))


def rename(text, mine):
    """The same text with other names, but for members, strings and comments."""
    out = []
    before = ""
    for token in TOKEN.findall(text):
        if token in mine and before not in (".", "->"):
            token = mine[token]
        out.append(token)
        if not token.isspace():
            before = "->" if token == ">" and before == "-" else token
    return "".join(out)


class Writer:
    def __init__(self, root):
        self.root = root
        self.done = set()

    def inlined(self, text):
        """The text with the project's headers in place of the first line that includes each."""
        def replace(found):
            name = found.group(2)
            if name.startswith("tarn/"):
                return ""
            path = os.path.join(self.root, "src", name)
            if found.group(1) == "<" or not os.path.exists(path):
                if name == "xxhash.h":
                    return "@xxhash@\n"
                return found.group(0)
            if name in self.done:
                return ""
            self.done.add(name)
            return self.inlined(read(path))
        return INCLUDE.sub(replace, text)


def defined_macros(text):
    return sorted(set(re.findall(r"^[ \t]*#[ \t]*define (\w+)", text, re.M)))


def public_header(root, version):
    names = [name for name in sorted(os.listdir(os.path.join(root, "include/tarn")))
             if name.endswith(".h") and name not in APART]
    order = []

    def add(name):
        if name in order or name not in names:
            return
        for _, other in INCLUDE.findall(read(os.path.join(root, "include/tarn", name))):
            if other.startswith("tarn/"):
                add(other[5:])
        order.append(name)
    for name in names:
        add(name)
    parts = [f"/* Tarn {version}: the headers of include/tarn in one. */\n"]
    for name in order:
        text = read(os.path.join(root, "include/tarn", name))
        parts.append(INCLUDE.sub(lambda found: "" if found.group(2).startswith("tarn/") else found.group(0), text))
    return "\n".join(parts)


def main():
    root, output, version, xxhash = sys.argv[1:5]
    files = sys.argv[5:]
    texts = {name: read(os.path.join(root, "src", name)) for name in files}
    owners = collections.Counter(name for text in texts.values() for name in own_names(text))
    headers = [os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(root, "src"))
               for name in names if name.endswith(".h") and "/quick" not in folder]
    taken = set().union(*[shared_names(read(path)) for path in headers])
    for text in texts.values():
        taken |= set(re.findall(r"^(tarn_\w+|tn_\w+)\(", text, re.M))
    writer = Writer(root)
    parts = [HEAD.format(version=version), "#define _GNU_SOURCE\n", '#include "tarn_all.h"\n']
    for name in files:
        stem = os.path.basename(name)[:-2]
        mine = {own: f"{stem}__{own}" for own in own_names(texts[name])
                if owners[own] > 1 or own in taken}
        text = re.sub(r"^#define _GNU_SOURCE\n", "", texts[name], flags=re.M)
        text = re.sub(r'^#include "tarn/[^\n]*\n', "", text, flags=re.M)
        # Headers first, so that a file's names are not put into them.
        lines = INCLUDE.findall(text)
        heads = "".join(f"#include {kind}{header}{'>' if kind == '<' else kind}\n" for kind, header in lines)
        before = re.findall(r"^#define XXH_\w+\n", text, re.M)
        body = rename(INCLUDE.sub("", re.sub(r"^#define XXH_\w+\n", "", text, flags=re.M)), mine)
        macros = "".join(f"#undef {macro}\n" for macro in defined_macros(body))
        piece = f"\n/* ---- src/{name} ---- */\n{''.join(before)}{writer.inlined(heads)}{body}{macros}"
        if name in ON_REQUEST:
            piece = f"\n#ifdef TARN_ALL_MALLOC\n{piece}\n#endif\n"
        parts.append(piece)
    whole = "".join(parts).replace("@xxhash@\n", read(xxhash))
    licence = "".join(f" * {line}".rstrip() + "\n" for line in read(os.path.join(root, "LICENSE")).splitlines())
    os.makedirs(output, exist_ok=True)
    for name, text in (("tarn_all.c", f"{whole}\n/*\n{licence} */\n"),
                       ("tarn_all.h", public_header(root, version))):
        with open(os.path.join(output, name), "w", encoding="utf-8") as file:
            file.write(text)


main()
