"""What a public header of Tarn's says: its first comment, and each declaration with the comment that stands
before it."""

import collections
import re

Entry = collections.namedtuple("Entry", "kind names code comment")

PIECE = re.compile(r"(?P<comment>/\*.*?\*/)|(?P<directive>^[ \t]*#(?:[^\n]*\\\n)*[^\n]*)|(?P<blank>\n[ \t]*\n)"
                   r"|(?P<space>\s+)", re.S | re.M)


def comment_lines(text):
    """A comment without its marks; lines keep their own indentation."""
    lines = text[2:-2].rstrip().split("\n")
    lines = [re.sub(r"^ ?\* ?| \*$", "", line) if i else line[1:] if line.startswith(" ") else line
             for i, line in enumerate(lines)]
    return lines


def declaration_end(text, start):
    """Behind the declaration or definition that begins at start."""
    depth = 0
    function = None
    i = start
    while i < len(text):
        if text.startswith("/*", i):
            i = text.index("*/", i) + 2
            continue
        char = text[i]
        if char in "({":
            if depth == 0 and char == "{" and function is None:
                function = ")" in text[start:i]
            depth += 1
        elif char in ")}":
            depth -= 1
            if depth == 0 and char == "}" and function:
                return i + 1
        elif char == ";" and depth == 0:
            return i + 1
        i += 1
    return len(text)


def prototype(code):
    """(type, name, arguments) of a function's declaration, without what is for compilers alone."""
    code = re.sub(r"/\*.*?\*/", "", code, flags=re.S)
    code = code.split("{")[0] if "(" in code.split("{")[0] else code
    code = re.sub(r"__attribute__\s*\(\(.*\)\)|TARN_ALLOCATES\([^)]*\)|TARN_\w+_ATTRIBUTE\S*", "", code, flags=re.S)
    code = " ".join(code.replace(";", " ").split())
    code = re.sub(r"\b(static|inline|extern)\b ?", "", code)
    found = re.match(r"(.*?[ *])(\w+) ?\((.*)\)$", code)
    if not found:
        return None
    arguments = []
    depth = 0
    for part in found.group(3).split(","):
        if depth:
            arguments[-1] += "," + part
        else:
            arguments.append(part.strip())
        depth += part.count("(") - part.count(")")
    return found.group(1).strip(), found.group(2), [] if arguments == ["void"] else arguments


def parse(text):
    """(first comment's lines, entries)."""
    first = comment_lines(re.match(r"\s*(/\*.*?\*/)", text, re.S).group(1))
    i = re.match(r"\s*/\*.*?\*/", text, re.S).end()
    entries = []
    comment = None
    while i < len(text):
        piece = PIECE.match(text, i)
        if piece:
            i = piece.end()
            if piece.group("comment"):
                comment = comment_lines(piece.group("comment"))
                if comment[0].startswith("----"):
                    entries.append(Entry("heading", [], comment[0].strip(" -"), None))
                    comment = None
            elif piece.group("directive"):
                macro = re.match(r"\s*#\s*define (\w+)(\([^)]*\))?[ \t]*(.*)", piece.group("directive"))
                if macro and comment and not macro.group(1).endswith(("_", "_H")):
                    kind = "macro" if macro.group(2) else "constant"
                    entries.append(Entry(kind, [macro.group(1)], macro.group(0).strip(), comment))
                    comment = None
            elif piece.group("blank"):
                comment = None
            continue
        if text.startswith('extern "C" {', i) or text[i] == "}":
            i = text.find("\n", i)
            i = len(text) if i < 0 else i
            continue
        end = declaration_end(text, i)
        code = text[i:end]
        i = end
        # What follows a declaration on its own line is about it.
        behind = re.match(r"[ \t]*(/\*.*?\*/)", text[end:], re.S)
        if behind:
            comment = comment or comment_lines(behind.group(1))
            i = end + behind.end()
        aggregate = re.match(r"(typedef\s+)?(struct|enum|union)\b", code) and "{" in code and \
            ("(" not in code.split("{")[0])
        made = None if aggregate else prototype(code)
        if aggregate:
            entries.append(Entry("type", re.findall(r"(?:struct|enum|union) (\w+)", code)[:1], code, comment))
        elif made and made[1].startswith("tarn_"):
            if not any(made[1] in entry.names for entry in entries if entry.kind == "function"):
                same = entries and entries[-1].kind == "function" and entries[-1].comment is comment
                if same and comment is not None:
                    entries[-1].names.append(made[1])
                    entries[-1].code.append(made)
                else:
                    entries.append(Entry("function", [made[1]], [made], comment))
        elif comment and not re.search(r"\w_\b(?=[\[;\s])", code):
            entries.append(Entry("type", [], code, comment))
    return first, [entry for entry in entries if not private(entry)]


def private(entry):
    """Parts of inline functions, which are declared only because they must be."""
    return bool(entry.names) and (entry.names[0].endswith("_") or
                                  "not to be called" in " ".join(entry.comment or []))


def functions(text):
    return [name for entry in parse(text)[1] if entry.kind in ("function", "macro")
            for name in entry.names if name.startswith("tarn_")]
