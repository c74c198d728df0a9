"""What README.md and docs/*.md show is true. Blocks marked ```c and ```cpp are compiled, linked and run, with
a main function and the usual headers around those that have none; blocks marked ```sh are run, with job.py and
job.sql beside them. Indented blocks, and lines after "$ " in ```console, are command lines of programs that
take long or change the machine: of those each make target, script, tarn command and option must exist. Every other fence is text. A line
<!-- shown only: REASON --> before a block says that it is none of these. Names of Tarn's in the text must be
declared somewhere. Usage: document_code.py SOURCE BUILD SCRATCH"""

import glob
import os
import re
import shlex
import shutil
import subprocess
import sys

PREAMBLE = {
    "c": "#include <errno.h>\n#include <stdbool.h>\n#include <stdint.h>\n#include <stdio.h>\n"
         "#include <stdlib.h>\n#include <string.h>\n",
    "cpp": "#include <cstdio>\n#include <list>\n#include <map>\n#include <string>\n#include <vector>\n",
}
COMPILE = {"c": ["cc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Werror", "-Wno-unused-variable",
                 "-Wno-unused-but-set-variable"],
           "cpp": ["c++", "-std=c++17", "-Wall", "-Werror", "-Wno-unused-variable"]}
# Names that are there to be wrong, or that stand for many.
NOT_NAMES = {"TARN_STAT", "tarn_all", "tarn_quick"}


def blocks(text):
    """(kind, line number, lines, reason it is only shown) of each block; kind "" is an indented one."""
    lines = text.split("\n")
    reason = None
    i = 0
    while i < len(lines):
        line = lines[i]
        shown = re.match(r"<!-- shown only: (.*) -->", line)
        fence = re.match(r"(\s*)```(.*)", line)
        if shown:
            reason = shown.group(1)
        elif fence:
            end = i + 1
            while not lines[end].strip().startswith("```"):
                end += 1
            yield fence.group(2).strip() or "text", i + 2, lines[i + 1:end], reason
            reason = None
            i = end
        elif line.startswith("    ") and (i == 0 or not lines[i - 1].strip()):
            end = i
            while end < len(lines) and (lines[end].startswith("    ") or
                                        not lines[end].strip() and lines[end + 1:end + 2] and
                                        lines[end + 1].startswith("    ")):
                end += 1
            yield "", i + 1, [part[4:] for part in lines[i:end]], reason
            reason = None
            i = end
        elif line.strip():
            reason = None
        i += 1


class Checker:
    def __init__(self, source, build, scratch):
        self.source, self.build, self.scratch = source, build, scratch
        with open(os.path.join(source, "Makefile"), encoding="utf-8") as file:
            self.targets = set(re.findall(r"^([a-z-]+):", file.read(), re.M))
        self.counts = {}
        self.help = {}

    def run_code(self, language, lines, where):
        code = "\n".join(lines)
        if not re.search(r"\bmain\(", code):
            heads = [line for line in lines if line.startswith("#include")]
            rest = [line for line in lines if not line.startswith("#include")]
            outside = [line for line in rest if line.startswith(("using ", "struct ", "static "))] \
                if language == "cpp" else []
            inside = [line for line in rest if line not in outside]
            code = "\n".join([PREAMBLE[language], *heads, *outside, "int main(void)\n{", *inside, "return 0;\n}"])
        suffix = {"c": ".c", "cpp": ".cc"}[language]
        program = os.path.join(self.scratch, "block")
        with open(program + suffix, "w", encoding="utf-8") as file:
            file.write(code + "\n")
        libraries = ["-ltarn-quick"] if "tarn/quick.h" in code else ["-ltarn", f"-Wl,-rpath,{self.build}"]
        done = subprocess.run([*COMPILE[language], "-I" + os.path.join(self.source, "include"), program + suffix,
                               "-L" + self.build, *libraries, "-pthread", "-o", program],
                              capture_output=True, text=True)
        if done.returncode != 0:
            return f"{where}: does not compile:\n{done.stderr}"
        done = subprocess.run([program], cwd=self.scratch, capture_output=True, text=True, timeout=60)
        return f"{where}: ended with {done.returncode}: {done.stderr}" if done.returncode != 0 else None

    def run_shell(self, lines, where):
        environment = dict(os.environ, PATH=self.build + os.pathsep + os.environ.get("PATH", ""),
                           TARN_LIBRARY=os.path.join(self.build, "libtarn.so"))
        done = subprocess.run(["sh", "-eu", "-c", "\n".join(lines)], cwd=self.scratch, capture_output=True,
                              text=True, timeout=60, env=environment)
        return f"{where}: ended with {done.returncode}: {done.stderr}" if done.returncode != 0 else None

    def helps(self, words):
        if words not in self.help:
            done = subprocess.run([os.path.join(self.build, "tarn"), *words, "--help"], capture_output=True,
                                  text=True)
            self.help[words] = done.stdout if done.returncode == 0 else None
        return self.help[words]

    def command_fault(self, line):
        """What is wrong with a command line, which is not run."""
        if re.search(r"[(){}]|;$|^\s*(/\*|#include)", re.sub(r"\$\([^)]*\)", "", line.split(" #")[0])):
            return "is neither a command nor marked"
        parts = re.split(r" *(?:;|&&|\|) +", line)
        if len(parts) > 1:
            return next((fault for fault in map(self.command_fault, parts) if fault), None)
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            return str(error)
        while words and (re.match(r"\w+=", words[0]) or words[0] in ("sudo", "$", "time")):
            words.pop(0)
        if not words:
            return None
        command = words[0]
        if command.startswith("$"):
            return None
        if command == "make":
            wrong = [word for word in words[1:] if "=" not in word and word not in self.targets]
            return f"make has no target {wrong[0]}" if wrong else None
        if os.path.basename(command) == "tarn":
            sub = next((word for word in words[1:] if not word.startswith("-")), None)
            if sub is None:
                return None
            text = self.helps((sub,))
            if text is None:
                return f"tarn has no command {sub}"
            rest = words[words.index(sub) + 1:]
            if rest and not rest[0].startswith("-") and self.helps((sub, rest[0])):
                text += self.helps((sub, rest[0]))
            rest = rest[:rest.index("--")] if "--" in rest else rest
            wrong = [word for word in rest if word.startswith("--") and word.split("=")[0] not in text]
            return f"tarn {sub} has no option {wrong[0]}" if wrong else None
        script = next((word for word in words if word.startswith(("bench/", "src/", "tests/", "cmake/", "build/"))),
                      None)
        if script:
            path = os.path.join(self.source, script) if not script.startswith("build/") else \
                os.path.join(self.build, script[6:])
            if not os.path.exists(path):
                return f"{script} is not there"
            if script.startswith("bench/") and script.endswith(".py"):
                known = "".join(open(name, encoding="utf-8").read() for name in
                                glob.glob(os.path.join(self.source, "bench", "**", "*.py"), recursive=True))
                wrong = [word for word in words if word.startswith("--") and f'"{word.split("=")[0]}"' not in known]
                return f"{script} has no option {wrong[0]}" if wrong else None
            return None
        if shutil.which(command):
            return None
        return f"{command} is no command here"

    def check(self, path):
        faults = []
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for kind, number, lines, reason in blocks(text):
            where = f"{os.path.relpath(path, self.source)}:{number}"
            kind = kind.split()[0] if kind else kind
            if reason is not None:
                kind = "shown only"
                print(f"{where}: shown only: {reason}")
            elif kind in COMPILE:
                faults.append(self.run_code(kind, lines, where))
            elif kind in ("sh", "bash"):
                faults.append(self.run_shell(lines, where))
            elif kind == "console":
                said = [(line, self.command_fault(line[2:])) for line in lines if line.startswith("$ ")]
                faults += [f"{where}: {fault}: {line}" for line, fault in said if fault]
            elif kind == "":
                joined = "\n".join(lines).replace("\\\n", " ").split("\n")
                said = [(line, self.command_fault(line)) for line in joined if line.strip()]
                faults += [f"{where}: {fault}: {line}" for line, fault in said if fault]
            self.counts[kind or "commands"] = self.counts.get(kind or "commands", 0) + 1
        return [fault for fault in faults if fault]

    def names(self, path):
        """Names in the text that are declared nowhere."""
        with open(path, encoding="utf-8") as file:
            text = file.read()
        known = getattr(self, "known", None)
        if known is None:
            known = NOT_NAMES.copy()
            for pattern in ("include/tarn/*", "src/*/*.[ch]", "compat/**/*.[ch]", "CMakeLists.txt", "tools/*.[ch]",
                            "cmake/*.cmake", "tests/**/CMakeLists.txt", "bench/**/*", "src/*/*.txt"):
                for name in glob.glob(os.path.join(self.source, pattern), recursive=True):
                    if os.path.isfile(name):
                        with open(name, encoding="utf-8", errors="replace") as file:
                            known |= set(re.findall(r"\b(?:tarn|TARN)_\w+", file.read()))
            self.known = known
        return [f"{os.path.relpath(path, self.source)}: {name} is declared nowhere"
                for name in sorted(set(re.findall(r"\b(?:tarn|TARN)_\w*\w", text)) - known)
                if not any(other.startswith(name) for other in known)]

    def links(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        return [f"{os.path.relpath(path, self.source)}: {link} leads nowhere"
                for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
                if not os.path.exists(os.path.join(os.path.dirname(path), link))]


def self_test(checker):
    """The check is able to fail."""
    wrong = ("```c\nnot c;\n```\n\n```sh\nfalse\n```\n\n    make nonsense\n\n    tarn nonsense\n\n"
             "```console\n$ tarn nonsense\n```\n")
    path = os.path.join(checker.scratch, "wrong.md")
    with open(path, "w", encoding="utf-8") as file:
        file.write(wrong)
    if len(checker.check(path)) != 5:
        raise SystemExit("a page with five faults is not found to have them")
    checker.counts.clear()


def main():
    source, build, scratch = map(os.path.abspath, sys.argv[1:4])
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    os.symlink(build, os.path.join(scratch, "build"))
    with open(os.path.join(scratch, "job.py"), "w", encoding="utf-8") as file:
        file.write("print(sum(len(str(i)) for i in range(1000)))\n")
    with open(os.path.join(scratch, "job.sql"), "w", encoding="utf-8") as file:
        file.write("create table t(x); insert into t values(1); select * from t;\n")
    checker = Checker(source, build, scratch)
    self_test(checker)
    faults = []
    for path in [os.path.join(source, "README.md"), *sorted(glob.glob(os.path.join(source, "docs/*.md")))]:
        faults += checker.check(path) + checker.names(path) + checker.links(path)
    print("\n".join(faults))
    if faults:
        raise SystemExit(f"{len(faults)} faults in the documents")
    print(", ".join(f"{count} {kind}" for kind, count in sorted(checker.counts.items())))


main()
