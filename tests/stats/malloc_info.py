"""malloc_info under Tarn against the C library's own: the same elements with the same attributes, in figures that
agree with each other and with what the program holds. Usage: malloc_info.py LIBRARY"""

import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as tree

LIBRARY = sys.argv.pop()
PROGRAM = """
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    static void *kept[20000];
    for (int i = 0; i < 20000; i++) { kept[i] = malloc(100 + (size_t)i % 900); }
    for (int i = 0; i < 20000; i += 2) { free(kept[i]); kept[i] = NULL; }
    void *volatile large = malloc(5000000);
    void *volatile gone = malloc(3000000);
    free(gone);
    size_t live = malloc_usable_size(large);
    for (int i = 0; i < 20000; i++) { live += malloc_usable_size(kept[i]); }
    fprintf(stderr, "%zu %zu", live, mallinfo2().uordblks);
    return malloc_info(0, stdout);
}
"""


def run(**variables):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["cc", "-O1", "-fno-builtin", "-x", "c", "-", "-o", f"{folder}/program"], input=PROGRAM,
                       text=True, check=True)
        done = subprocess.run([f"{folder}/program"], capture_output=True, text=True, check=True,
                              env={**os.environ, **variables})
    return tree.fromstring(done.stdout), [int(word) for word in done.stderr.split()]


def shape(element, path=""):
    """Every element's path with its attributes' names, and the type where it has one."""
    path = f"{path}/{element.tag}"
    yield path, tuple(element.attrib), element.get("type")
    for child in element:
        yield from shape(child, path)


OURS, (LIVE, USED) = run(LD_PRELOAD=LIBRARY)
THEIRS, _ = run(LD_PRELOAD="")


class Info(unittest.TestCase):
    def test_the_form_is_glibc_s(self):
        ours, theirs = set(shape(OURS)), set(shape(THEIRS))
        self.assertEqual(ours - theirs - {("/malloc/heap/sizes/unsorted", ("from", "to", "total", "count"), None)}, set())
        self.assertEqual(theirs - ours - {("/malloc/heap/sizes/unsorted", ("from", "to", "total", "count"), None),
                                          ("/malloc/heap/aspace", ("type", "size"), "subheaps")}, set())
        self.assertEqual(OURS.get("version"), THEIRS.get("version"))
        self.assertEqual([one.tag for one in OURS], ["heap"] + ["total"] * 3 + ["system"] * 2 + ["aspace"] * 2)

    def test_the_figures_agree(self):
        def size(where, tag, kind):
            return int(where.find(f"{tag}[@type='{kind}']").get("size"))
        heap = OURS.find("heap")
        for where in (heap, OURS):
            free = size(where, "total", "fast") + size(where, "total", "rest")
            used = size(where, "system", "current") - free
            self.assertGreaterEqual(used, LIVE)
            self.assertLess(used, LIVE + 2000000)  # the heap's own tables
            self.assertLessEqual(size(where, "system", "current"), size(where, "system", "max"))
            self.assertLessEqual(size(where, "system", "max"), size(where, "aspace", "total"))
        sizes = heap.find("sizes")
        self.assertEqual(sum(int(one.get("count")) for one in sizes), int(heap.find("total[@type='rest']").get("count")))
        for one in sizes.findall("size"):
            self.assertLessEqual(int(one.get("from")), int(one.get("to")))
            self.assertEqual(int(one.get("total")), int(one.get("count")) * int(one.get("to")))

    def test_mallinfo_says_what_is_live(self):
        self.assertGreaterEqual(USED, LIVE)
        self.assertLess(USED, LIVE * 1.01 + 100000)


unittest.main()
