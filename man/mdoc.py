"""Plain text and Markdown as mdoc: what the manual's pages are made of."""

import re

MARKS = [
    (re.compile(r"NULL$"), "Dv"),
    (re.compile(r"errno$"), "Va"),
    (re.compile(r"E[A-Z]{3,}\d?$"), "Er"),
    (re.compile(r"TARN_[A-Z0-9_]+$"), "Dv"),
    (re.compile(r"TARN_[A-Z0-9_]+=\S+$"), "Ev"),
]
ROW = re.compile(r"\s{2,}(\S+(?: \S+)*)\s{2,}(\S.*)$|\s{2,}(E[A-Z]{3,})\s+(\S.*)$")
SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z0-9`\[\"(*])|(?<=[.?!][)\"])\s+(?=[A-Z0-9`\[])")


def escape(text):
    """Text for a text line or a macro's argument."""
    text = text.replace("\\", "\\e")
    text = re.sub(r"^([.'])", r"\\&\1", text)
    return text.replace("→", "->").replace("…", "...").replace("–", "\\(en").replace("≥", ">=")


def argument(text):
    return '"' + escape(text).replace('"', "\\(dq") + '"'


def sentence(text, functions=frozenset()):
    """A sentence as mdoc lines: names of functions, constants and errors are marked."""
    lines = []
    words = []

    def flush():
        if words:
            lines.append(escape(" ".join(words)))
            words.clear()

    for word in text.split():
        core = word.rstrip(".,;:)")
        tail = word[len(core):]
        name = core[:-2] if core.endswith("()") else core
        macro = "Fn" if name in functions else None
        if macro is None and ")" not in tail:
            macro = next((mark for pattern, mark in MARKS if pattern.match(core)), None)
            name = core
        if macro is None or (")" in tail and "(" not in core):
            words.append(word)
            continue
        flush()
        lines.append(" ".join([f".{macro} {escape(name)}", *tail]))
    flush()
    return lines


def paragraph(text, functions=frozenset()):
    lines = []
    for part in SENTENCE.split(" ".join(text.split())):
        lines += sentence(part, functions)
    return lines


def literal(lines):
    return [".Bd -literal -offset indent", *[escape(line) if line else "" for line in lines], ".Ed"]


def dedent(lines):
    least = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [line[least:].rstrip() for line in lines]


def prose(lines, functions=frozenset()):
    """A comment's lines: paragraphs, "- " lists, tables of two columns, indented code."""
    out = []
    lines = [line.rstrip() for line in lines]
    i = 0

    def begin():
        if out and not out[-1].startswith((".Pp", ".Sh", ".Ss")):
            out.append(".Pp")

    while i < len(lines):
        line = lines[i]
        if not line.strip():
            i += 1
            continue
        j = i + 1
        row = ROW.match(line)
        if re.match(r"\s*- ", line):
            indent = len(line) - len(line.lstrip())
            out.append(".Bl -bullet")
            while i < len(lines) and (re.match(r"\s*- ", lines[i]) or not lines[i].strip()):
                if not lines[i].strip():
                    i += 1
                    continue
                j = i + 1
                while j < len(lines) and lines[j].strip() and \
                        len(lines[j]) - len(lines[j].lstrip()) > indent:
                    j += 1
                out += [".It", *paragraph(" ".join(lines[i:j]).strip()[2:], functions)]
                i = j
            out.append(".El")
            continue
        if row and not line.startswith("    "):
            out.append(".Bl -tag -width Ds")
            while i < len(lines) and lines[i].strip():
                row = ROW.match(lines[i])
                if row and len(lines[i]) - len(lines[i].lstrip()) < 8:
                    out += [".It " + argument(row.group(1) or row.group(3)),
                            *paragraph(row.group(2) or row.group(4), functions)]
                else:
                    out += paragraph(lines[i], functions)
                i += 1
            out.append(".El")
            continue
        if line.startswith("    "):
            while j < len(lines) and (lines[j].startswith("    ") or not lines[j].strip()):
                j += 1
            block = lines[i:j]
            while not block[-1].strip():
                block.pop()
            out += literal(dedent(block))
            i = j
            continue
        while j < len(lines) and lines[j].strip() and not re.match(r"\s*- |\s{2,}\S+(?: \S+)*\s{2,}\S", lines[j]):
            j += 1
        begin()
        out += paragraph(" ".join(lines[i:j]), functions)
        i = j
    return out


def inline(text):
    """Markdown within a line: code, strong words and links."""
    text = escape(text)
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return re.sub(r"\*\*?([^*]+)\*\*?", r"\\fI\1\\fR", text)


def marked(text):
    return [inline(part) for part in SENTENCE.split(" ".join(text.split()))]


def table(rows):
    head, body = rows[0], rows[2:]
    last = max(len(row[-1]) for row in body)
    if len(head) == 2 or last > 40:
        out = [".Bl -tag -width Ds"]
        for row in body:
            out.append(".It " + inline(row[0] or "-").replace('"', "\\(dq"))
            for title, cell in list(zip(head, row))[1:-1]:
                if cell:
                    out.append(inline(f"{title or 'value'}: {cell}."))
            out += marked(row[-1]) if row[-1] else []
        return [*out, ".El"]
    widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
    out = [".Bl -column " + " ".join(f'"{"x" * width}"' for width in widths)]
    for row in [head, *body]:
        out.append(".It " + " Ta ".join(inline(cell).replace('"', "\\(dq") and
                                          '"' + inline(cell).replace('"', "\\(dq") + '"' or '""' for cell in row))
    return [*out, ".El"]


def markdown(text, first_section=None):
    """A page of Markdown without its title; what comes before its first heading is first_section."""
    out = [f".Sh {first_section}"] if first_section else []
    lines = text.splitlines()
    i = 1 if lines and lines[0].startswith("# ") else 0
    while i < len(lines):
        line = lines[i]
        j = i + 1
        if not line.strip() or line.startswith("<!--"):
            i += 1
            continue
        if line.startswith("#"):
            level, title = line.split(" ", 1)
            out.append(f".Sh {inline(title).upper()}" if level == "##" else f".Ss {inline(title)}")
            i += 1
            continue
        if line.startswith("|"):
            while j < len(lines) and lines[j].startswith("|"):
                j += 1
            out += table([[cell.strip() for cell in row.strip("|").split("|")] for row in lines[i:j]])
        elif line.startswith("```"):
            while not lines[j].startswith("```"):
                j += 1
            out += literal(lines[i + 1:j])
            j += 1
        elif line.startswith("    "):
            while j < len(lines) and lines[j].startswith("    "):
                j += 1
            out += literal(dedent(lines[i:j]))
        elif re.match(r"(- |\d+\. )", line):
            out.append(".Bl -bullet" if line.startswith("- ") else ".Bl -enum")
            while i < len(lines) and re.match(r"(- |\d+\. )", lines[i]):
                j = i + 1
                while j < len(lines) and lines[j].startswith(" "):
                    j += 1
                out += [".It", *marked(re.sub(r"^(- |\d+\. )", "", " ".join(lines[i:j])))]
                i = j
            out.append(".El")
            continue
        else:
            while j < len(lines) and lines[j].strip() and not re.match(r"(\||#|- |```)", lines[j]):
                j += 1
            if out and not out[-1].startswith((".Sh", ".Ss")):
                out.append(".Pp")
            out += marked(" ".join(lines[i:j]))
        i = j
    return out
