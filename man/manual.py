#!/usr/bin/env python3
"""Writes the manual into OUTPUT/man1, man3, man5 and man7. What a function does is said once, in its
header; a file's format and the options once, in docs/; what a command takes once, in its --help. From these
and the words of man/*.in the pages are made.

A line of a .in file that begins with @ is replaced:
  @text HEADER    its first comment
  @markdown FILE  a page of docs/, without its title
  @commands       the list of `tarn --help`
Each header of include/tarn has a page, with a .in file for what stands behind its functions, such as
examples, where there is one.

Usage: manual.py SOURCE OUTPUT [TARN-PROGRAM]"""

import glob
import os
import re
import subprocess
import sys

import header
import mdoc

DATE = "November 22, 2026"

# Page of section 3 for each header that is not named after it.
PAGES = {"tarn": "tarn_malloc", "option": "tarn_option"}
ABOUT = {
    "tarn": "the process heap under names of its own",
    "heap": "heaps of one's own",
    "pool": "object pools",
    "persist": "heaps that live in a file",
    "stats": "what a heap holds",
    "quick": "the freestanding heap",
    "offset": "pointers that survive being moved",
    "profile": "sampled profile of the heap",
    "option": "options while the program runs",
}
LIBRARY = {"quick": ("libtarn-quick", "-ltarn-quick"), "offset": None}


class Manual:
    def __init__(self, source, output, program):
        self.source, self.output, self.program = source, output, program
        self.headers = {}
        for path in sorted(glob.glob(os.path.join(source, "include/tarn/*.h"))):
            with open(path, encoding="utf-8") as file:
                self.headers[os.path.basename(path)[:-2]] = header.parse(file.read())
        self.functions = frozenset(name for _, entries in self.headers.values() for entry in entries
                                   if entry.kind in ("function", "macro") for name in entry.names)

    def public(self, name):
        return [function for entry in self.headers[name][1] if entry.kind in ("function", "macro")
                for function in entry.names]

    def names(self, name, about):
        functions = self.public(name)
        lines = [".Sh NAME"]
        lines += [f".Nm {function}" + (" ," if function != functions[-1] else "") for function in functions]
        return [*lines, f".Nd {about}"]

    def library(self, name):
        library = LIBRARY.get(name, ("libtarn", "-ltarn"))
        if library is None:
            return [".Sh LIBRARY", "None: the header is all."]
        return [".Sh LIBRARY", f"{library[0]} ({library[1]})"]

    def synopsis(self, name):
        lines = [".Sh SYNOPSIS", f".In tarn/{name}.h"]
        for entry in self.headers[name][1]:
            if entry.kind == "function":
                for kind, function, arguments in entry.code:
                    lines += [f".Ft {mdoc.argument(kind)}", f".Fo {function}",
                              *[f".Fa {mdoc.argument(a)}" for a in arguments or ["void"]], ".Fc"]
            elif entry.kind == "macro":
                arguments = re.match(r"\s*#\s*define \w+\(([^)]*)\)", entry.code).group(1)
                lines += [f".Fn {entry.names[0]} {' '.join(mdoc.argument(a.strip()) for a in arguments.split(','))}"]
        return lines

    def header_comment(self, name):
        first = self.headers[name][0]
        text = "\n".join(first).strip("\n")
        text = re.sub(r"^tarn/\S+: ", "", text)
        text = re.sub(r"^Quickfit: ", "", text)
        text = text[0].upper() + text[1:]
        return mdoc.prose(text.split("\n"), self.functions)

    def entries(self, name):
        lines = []
        listing = False
        for entry in self.headers[name][1]:
            comment = entry.comment or []
            if entry.kind in ("heading", "type", "constant") and listing:
                lines.append(".El")
                listing = False
            if entry.kind == "heading":
                title, _, more = entry.code.partition(": ")
                lines += [f".Ss {title[0].upper() + title[1:]}"]
                if more:
                    lines += mdoc.paragraph(more[0].upper() + more[1:] + ".")
            elif entry.kind in ("type", "constant"):
                code = re.sub(r"\s*\\\n.*", "", entry.code, flags=re.S) if entry.kind == "constant" else entry.code
                prose = mdoc.prose(comment, self.functions)
                if not (lines and lines[-1].startswith(".Ss")) and prose:
                    lines.append(".Pp")
                lines += prose + mdoc.literal(code.split("\n"))
            else:
                if not listing:
                    lines.append(".Bl -tag -width Ds")
                    listing = True
                for function in entry.names[:-1]:
                    lines += [f".It Fn {function}"]
                lines += [f".It Fn {entry.names[-1]}", *mdoc.prose(comment, self.functions)]
        return [*lines, ".El"] if listing else lines

    def page(self, title, section, lines):
        folder = os.path.join(self.output, f"man{section}")
        os.makedirs(folder, exist_ok=True)
        lines = [line for line, next_line in zip(lines, [*lines[1:], ".Sh"])
                 if not (line == ".Pp" and next_line.startswith((".Bl", ".Bd", ".Sh", ".Ss", ".Pp")))]
        heading = [f".Dd {DATE}", f".Dt {title.upper()} {section}", ".Os Tarn"]
        with open(os.path.join(folder, f"{title}.{section}"), "w", encoding="utf-8") as file:
            file.write("\n".join([*heading, *lines]) + "\n")

    def links(self, title, section, names):
        """So that `man tarn_free` finds the page of tarn_malloc."""
        for name in names:
            if name != title:
                path = os.path.join(self.output, f"man{section}", f"{name}.{section}")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f".so man{section}/{title}.{section}\n")

    def expand(self, template):
        lines = []
        with open(template, encoding="utf-8") as file:
            for line in file.read().splitlines():
                if not line.startswith("@"):
                    lines.append(line)
                    continue
                directive, _, name = line[1:].partition(" ")
                if directive == "text":
                    with open(os.path.join(self.source, name), encoding="utf-8") as text:
                        lines += mdoc.prose(header.parse(text.read() + "\n")[0], self.functions)
                elif directive == "markdown":
                    with open(os.path.join(self.source, name), encoding="utf-8") as text:
                        lines += mdoc.markdown(text.read())
                elif directive == "commands":
                    lines += self.command_list()
                else:
                    raise SystemExit(f"{template}: {line}: no such directive")
        return lines

    def section3(self):
        for name in self.headers:
            title = PAGES.get(name, f"tarn_{name}")
            extra = os.path.join(self.source, "man", f"{title}.3.in")
            see = [f".Xr {PAGES.get(other, 'tarn_' + other)} 3 ," for other in sorted(
                self.headers, key=lambda other: PAGES.get(other, "tarn_" + other)) if other != name]
            lines = [*self.names(name, ABOUT.get(name, f"declared in tarn/{name}.h")), *self.library(name),
                     *self.synopsis(name), ".Sh DESCRIPTION", *self.header_comment(name),
                     *self.entries(name)]
            lines += self.expand(extra) if os.path.exists(extra) else []
            lines += [".Sh SEE ALSO", *see, ".Xr tarn 7"]
            self.page(title, 3, lines)
            self.links(title, 3, [function for function in self.functions
                                  if any(function in entry.names for entry in self.headers[name][1])])

    def help(self, *words):
        return subprocess.run([self.program, *words, "--help"], capture_output=True, text=True, check=True).stdout

    def commands(self):
        text = self.help().split("commands:\n")[1]
        return re.findall(r"^  (\S+) +(\S.*)$", text, re.M)

    def command_list(self):
        lines = [".Bl -tag -width Ds"]
        for name, summary in self.commands() if self.program else []:
            lines += [f".It Xr tarn-{name} 1", summary + "."]
        return [*lines, ".El"]

    @staticmethod
    def usage_lines(usage):
        return mdoc.literal([re.sub(r"^(usage:|      ) ", "", line) for line in usage.split("\n") if line.strip()])

    def help_body(self, text):
        """What --help says after the usage: paragraphs, and options as a list."""
        lines = []
        paragraph = []
        listing = False

        def flush():
            if paragraph:
                if lines and not lines[-1].startswith(".S") and not listing:
                    lines.append(".Pp")
                lines.extend(mdoc.paragraph(" ".join(paragraph)))
                paragraph.clear()

        for line in text.split("\n"):
            option = re.match(r" {2,}(\S+(?: \S+)*)(?: {2,}(\S.*))?$", line)
            if option and (len(line) - len(line.lstrip()) < 10 or line.lstrip().startswith("-")):
                flush()
                if not listing:
                    lines.append(".Bl -tag -width Ds")
                    listing = True
                lines.append(".It " + mdoc.argument(option.group(1)).replace("-", "\\-"))
                if option.group(2):
                    paragraph.append(option.group(2))
            elif line.startswith(" ") and listing:
                paragraph.append(line.strip())
            else:
                if listing or not line.strip():
                    flush()
                if listing:
                    lines.append(".El")
                    listing = False
                if line.rstrip().endswith(":") and " " not in line:
                    lines.append(f".Ss {line.strip()[:-1].capitalize()}")
                elif line.strip():
                    paragraph.append(line.strip())
        flush()
        return [*lines, ".El"] if listing else lines

    def section1(self):
        for name, summary in self.commands():
            usage, _, rest = self.help(name).partition("\n\n")
            about = rest.split("\n\n", 1)
            lines = [".Sh NAME", f".Nm tarn-{name}", f".Nd {summary[0].lower() + summary[1:]}", ".Sh SYNOPSIS",
                     *self.usage_lines(usage), ".Sh DESCRIPTION", *mdoc.paragraph(about[0]),
                     *([".Pp"] if len(about) > 1 else []), *(self.help_body(about[1]) if len(about) > 1 else [])]
            verbs = re.findall(r"^  ([a-z]+)  +\S", rest, re.M) if " VERB" in usage else []
            if verbs:
                lines.append(".Sh VERBS")
            for verb in verbs:
                usage, _, rest = self.help(name, verb).partition("\n\n")
                lines += [f".Ss tarn {name} {verb}", *self.usage_lines(usage), *self.help_body(rest.strip("\n"))]
            lines += [".Sh SEE ALSO", ".Xr tarn 1 ,", ".Xr tarn 7"]
            self.page(f"tarn-{name}", 1, lines)

    def others(self):
        for template in sorted(glob.glob(os.path.join(self.source, "man/*.in"))):
            title, section = os.path.basename(template)[:-3].rsplit(".", 1)
            if section != "3" or title not in {PAGES.get(name, f"tarn_{name}") for name in self.headers}:
                if section == "1" and not self.program:
                    continue
                self.page(title, section, self.expand(template))


def main():
    source, output = sys.argv[1:3]
    manual = Manual(source, output, sys.argv[3] if len(sys.argv) > 3 else None)
    manual.section3()
    if manual.program:
        manual.section1()
    manual.others()


main()
