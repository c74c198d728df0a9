"""`tarn explain`, and that codes, pages and messages belong together: each code of the library's table has a page and
each page a code; each message that the sources print or give has a code."""

import json
import os
import re
import unittest

from tarn_command import ROOT, Case, tarn

ADJACENT = re.compile(r'"((?:[^"\\]|\\.)*)"\s*"')


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sources(*rooms):
    for room in rooms:
        for folder, _, names in os.walk(os.path.join(ROOT, "src", room)):
            for name in sorted(names):
                if name.endswith((".c", ".h")) and not name.startswith("error_code"):
                    yield os.path.join(folder, name)


def strings(call, *rooms):
    """The first string of each call of a function, pieces joined."""
    for path in sources(*rooms):
        text = read(path)
        while ADJACENT.search(text):
            text = ADJACENT.sub(r'"\1', text)
        for found in re.finditer(call + r'\((?:[^";{]|\n)*?"((?:[^"\\]|\\.)*)"', text):
            yield os.path.basename(path), found.group(1).replace('\\"', '"')


def filled(message):
    """A message with something for each conversion."""
    for conversion, value in (("%p", "0x7f0012345678"), ("%zu", "40"), ("%u", "7"), ("%d", "3"), ("%s", "word")):
        message = message.replace(conversion, value)
    return message


def code_of(message):
    code, out, _ = tarn("explain", message)
    return out[:4] if code == 0 else None


# What full checking finds; a tree may be without it.
CHECKED = {"T106", "T107", "T108", "T109"}
TABLE = re.findall(r'\{"(T\d\d\d)",\s*"((?:[^"\\]|\\.)*)"\}', read("src/base/error_code.c"))
PAGES = re.findall(r"^## (T\d\d\d): (.+)$", read("docs/errors.md"), re.M)


class Explain(Case):
    def test_every_code_has_a_page_and_every_page_a_code(self):
        self.assertGreater(len(TABLE), 50)
        codes = [code for code, _ in PAGES]
        self.assertEqual(codes, sorted(set(codes)))
        self.assertEqual(set(codes), {code for code, _ in TABLE})
        self.assertEqual([code for code, _ in TABLE], sorted(code for code, _ in TABLE))

    def test_every_page_is_told(self):
        for code, title in PAGES:
            for word in (code, code.lower(), f"tarn: something [{code}]"):
                status, out, err = tarn("explain", word)
                self.assertEqual((status, err), (0, ""))
                self.assertTrue(out.startswith(f"{code}: {title}\n"), out)
                self.assertGreater(len(out.splitlines()), 1, out)
                self.assertNotIn("`", out)
        self.assertEqual(tarn("explain", "--list")[1], "".join(f"{c}  {t}\n" for c, t in PAGES))
        self.assertEqual(json.loads(tarn("explain", "--list", "--json")[1]),
                         [{"code": c, "title": t} for c, t in PAGES])

    def test_a_message_that_has_words_of_several_pages_gets_its_own(self):
        for message, code in (("a.tarn: its layout is \"x\", not \"y\"", "T304"),
                              ("a.tarn: its address 0x7f0012345678 is taken by libc.so", "T305"),
                              ("a.tarn: nothing can be written there", "T311"),
                              ("a.tarn: its superblock cannot be written", "T312"),
                              ("a.tarn: its folder cannot be synced", "T312"),
                              ("a.tarn: its address must be a multiple of 2 MiB", "T318")):
            self.assertEqual(code_of(message), code, message)

    def test_every_row_of_the_table_is_in_the_sources(self):
        text = "\n".join(read(path) for path in sources("."))
        while ADJACENT.search(text):
            text = ADJACENT.sub(r'"\1', text)
        text = text.replace('\\"', '"').replace("%s still", " still").replace("%s is taken", " is taken")
        for code, words in TABLE:
            if code in CHECKED and not os.path.exists(os.path.join(ROOT, "src/heap/checked.c")):
                continue
            self.assertIn(words.replace('\\"', '"').rstrip("(").strip(" :,"), text, code)

    def test_every_line_that_ends_a_process_has_a_code(self):
        seen = 0
        for name, message in strings("tn_os_die", "."):
            if "%s(%p): %s" in message:
                continue  # the words come from the caller
            seen += 1
            self.assertIsNotNone(code_of("tarn: " + filled(message)), f"{name}: {message}")
        for name, message in strings("tn_die_damaged", "heap"):
            self.assertIsNotNone(code_of(f"tarn: free(0x10): {message} (40-byte block)"), f"{name}: {message}")
        self.assertGreater(seen, 10)

    def test_every_sentence_of_tarn_error_has_a_code(self):
        seen = 0
        for name, message in strings("tn_fail", "persist"):
            if message in ("", "%s", "%s: root \"%s\""):
                continue
            seen += 1
            self.assertIsNotNone(code_of(filled(message)), f"{name}: {message}")
        self.assertGreater(seen, 50)

    def test_every_fault_of_the_freestanding_heap_has_a_code(self):
        seen = 0
        for path in sources("quick"):
            text = read(path)
            statements = re.findall(r'what = [^;]*;|panic\(q, [^;]*;|tn_quick_implausible\[\] = [^;]*;', text)
            for what in re.findall(r'"([^"]+)"', " ".join(statements)):
                if " " in what:
                    seen += 1
                    self.assertTrue((code_of(f"tarn: free(0x7f): {what} (tag 0)") or "").startswith("T4"), what)
        self.assertGreater(seen, 5)

    def test_a_users_words_do_not_mislead(self):
        self.assertEqual(code_of('tarn: tarn_pool_free(0x7f): not from a pool (pool "already free (pool ", 8-byte '
                                 "objects)"), "T203")

    def test_what_is_none(self):
        for words, status, text in ((["T999"], 1, "there is no code T999"), (["hello"], 1, "neither a code nor"),
                                    ([], 2, "takes a code"), (["--all"], 2, "no option '--all'")):
            code, out, err = tarn("explain", *words)
            self.assertEqual((code, out), (status, ""))
            self.assertIn(text, err)


unittest.main()
