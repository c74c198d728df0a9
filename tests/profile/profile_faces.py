"""The profile of heaps of one's own, images and pools, against a program that knows what it allocates there:
every block where every block is asked for, else within six sigma. Usage: profile_faces.py PROFILE_FACES"""

import math
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from pprof_file import Profile

FACES = sys.argv.pop()
FOLDER = tempfile.mkdtemp()


def run(interval):
    """(stage, site): (blocks, bytes), and the profiles by stage."""
    paths = [f"{FOLDER}/{stage}.pb.gz" for stage in range(1, 5)]
    done = subprocess.run([FACES, f"{FOLDER}/image.tarn", *paths], capture_output=True, text=True, timeout=100,
                          env={**os.environ, "TARN_PROFILE": "/dev/null", "TARN_PROFILE_INTERVAL": str(interval)})
    assert (done.returncode, done.stderr) == (0, ""), done
    told = {(int(words[0]), words[1]): (int(words[2]), int(words[3]))
            for words in map(str.split, done.stdout.splitlines())}
    assert len(told) == 28
    return told, {stage: Profile(path) for stage, path in enumerate(paths, 1)}


class Faces(unittest.TestCase):
    def test_every_block(self):
        told, profiles = run(1)
        for (stage, site), figures in told.items():
            self.assertEqual(tuple(profiles[stage].by_function(site)[2:]), figures, f"stage {stage}, {site}")

    def test_sampled(self):
        interval = 16384
        told, profiles = run(interval)
        for (stage, site), (blocks, total) in told.items():
            found = profiles[stage].by_function(site)[3]
            chance = 1 - math.exp(-(total / blocks + 1) / interval) if blocks else 1
            sigma = total / blocks * math.sqrt(blocks * (1 - chance) / chance) if blocks else 0
            self.assertLessEqual(abs(found - total), 6 * sigma + total / 500, f"stage {stage}, {site}")

    def test_off(self):
        done = subprocess.run([FACES, f"{FOLDER}/image.tarn", *[f"{FOLDER}/none"] * 4], capture_output=True,
                              text=True, timeout=100)
        self.assertIn("No data available", done.stderr)


try:
    unittest.main()
finally:
    shutil.rmtree(FOLDER)
