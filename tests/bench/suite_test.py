"""The arithmetic and the messages of the benchmark suite."""

import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from suite import allocators, measure, results, table  # noqa: E402


def sample(cpu: float, peak: int, answer: str = "same") -> measure.Sample:
    return measure.Sample(cpu, 0.0, cpu, peak, 1000, 0, answer)


class Results(unittest.TestCase):
    def setUp(self) -> None:
        self.columns = [allocators.Allocator(name, Path(name)) for name in ("a", "b")]
        self.rows = [measure.Workload(name, "group", "", ("true",)) for name in ("one", "two")]
        self.results = results.Results(self.columns, self.rows)
        for row, times in zip(self.rows, ((1.0, 2.0), (3.0, 1.5)), strict=True):
            for column, seconds in zip(self.columns, times, strict=True):
                for noise in (0.0, 0.1, 9.0):  # the median is the middle one
                    self.results.add(row, column, sample(seconds + noise - 0.1, 4000))

    def test_median_is_of_the_runs(self) -> None:
        self.assertAlmostEqual(self.results.median("one", "b", "cpu") or 0, 2.0)

    def test_ratio_is_to_the_best_of_the_row(self) -> None:
        self.assertAlmostEqual(self.results.ratio("one", "a", "cpu") or 0, 1.0)
        self.assertAlmostEqual(self.results.ratio("two", "a", "cpu") or 0, 2.0)

    def test_mean_is_geometric(self) -> None:
        self.assertAlmostEqual(self.results.mean_ratio("group", "a", "cpu") or 0, 2**0.5)

    def test_mean_is_over_complete_rows(self) -> None:
        self.results.samples["two"].pop("a")
        self.assertAlmostEqual(self.results.mean_ratio("group", "a", "cpu") or 0, 1.0)
        text = table.group_table(self.results, "group", "cpu")
        self.assertIn("leaves out 1 ", text)
        self.assertRegex(text, r"two +1.50 +- +1.00")


class Measuring(unittest.TestCase):
    none = allocators.Allocator("none", Path("-"))

    def test_a_program_is_measured(self) -> None:
        touch = "b = bytearray(50_000_000)\nprint(len(b))"
        row = measure.Workload("touch", "group", "", ("python3", "-c", touch))
        taken = measure.run(row, self.none)
        self.assertGreater(taken.peak, 48_000)
        self.assertGreater(taken.minor_faults, 100)

    def test_a_small_program_seems_small(self) -> None:
        taken = measure.run(measure.Workload("true", "group", "", ("true",)), self.none)
        self.assertLess(taken.peak, 4_000)

    def test_failure_is_told(self) -> None:
        row = measure.Workload("fails", "group", "", ("sh", "-c", "echo broken >&2; exit 3"))
        with self.assertRaisesRegex(measure.WorkloadError, "fails on none: ended with status 3\nbroken"):
            measure.run(row, self.none)

    def test_answers_are_told_apart(self) -> None:
        first, second = (
            measure.run(measure.Workload("echo", "group", "", ("echo", word)), self.none).answer
            for word in ("one", "two")
        )
        self.assertNotEqual(first, second)

    def test_environment_reaches_the_program(self) -> None:
        row = measure.Workload("env", "group", "", ("sh", "-c", 'test "$TARN_X" = 1=2'))
        measure.run(row, allocators.Allocator("none", Path("-"), {"TARN_X": "1=2"}))


class Choosing(unittest.TestCase):
    def test_unknown_allocator_is_named(self) -> None:
        with self.assertRaisesRegex(allocators.AllocatorError, "there is no allocator 'nothing' here"):
            allocators.choose("glibc,nothing", [], [])

    def test_missing_library_is_named(self) -> None:
        with self.assertRaisesRegex(allocators.AllocatorError, "/no/such.so is not there"):
            allocators.choose("glibc", ["/no/such.so"], [])

    def test_missing_tarn_is_told(self) -> None:
        there, allocators.TARN = allocators.TARN, Path("/no/libtarn.so")
        try:
            with self.assertRaisesRegex(allocators.AllocatorError, "run 'make' first"):
                allocators.choose(None, [], [])
        finally:
            allocators.TARN = there

    def test_variant_is_a_column(self) -> None:
        chosen = allocators.choose("glibc", [], ["glibc/huge:GLIBC_TUNABLES=glibc.malloc.hugetlb=1;X=y"])
        self.assertEqual([a.name for a in chosen], ["glibc", "glibc/huge"])
        self.assertEqual(chosen[1].environment, {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "X": "y"})

    def test_bad_variant_is_told(self) -> None:
        with self.assertRaisesRegex(allocators.AllocatorError, "is needed, not 'huge'"):
            allocators.choose("glibc", [], ["huge"])


if __name__ == "__main__":
    unittest.main()
