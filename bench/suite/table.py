"""Results as text."""

from __future__ import annotations

from .results import Results

UNITS = {"cpu": "processor seconds", "wall": "seconds", "peak": "peak RSS, MB", "faults": "page faults"}


def columns(rows: list[list[str]]) -> str:
    """Rows of text as a table: the first column to the left, all others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def figure(value: float | None, metric: str) -> str:
    if value is None:
        return "-"
    if metric == "peak":
        return f"{value * 1024 / 1e6:.1f}"
    return f"{value:,.0f}" if metric == "faults" else f"{value:.2f}"


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def group_table(results: Results, group: str, metric: str) -> str:
    """The best figure of each row, and how many times it each allocator needs."""
    rows = [[f"{group}: {UNITS[metric]}", "best", *(a.name for a in results.allocators)]]
    for workload in results.workloads:
        if workload.group != group or workload.name not in results.samples:
            continue
        medians = [results.median(workload.name, a.name, metric) for a in results.allocators]
        best = min((m for m in medians if m is not None), default=None)
        ratios = [_times(results.ratio(workload.name, a.name, metric)) for a in results.allocators]
        rows.append([workload.name, figure(best, metric), *ratios])
    means = [_times(results.mean_ratio(group, a.name, metric)) for a in results.allocators]
    rows.append(["geometric mean", "", *means])
    left_out = len(rows) - 2 - len(results.complete(group))
    note = f"\n(the mean leaves out {left_out} where some allocator failed)" if left_out else ""
    return columns(rows) + note


def full(results: Results, metrics: list[str]) -> str:
    tables = [group_table(results, g, m) for g in results.groups() for m in metrics]
    if results.failures:
        tables.append("FAILED:\n" + "\n".join(what for _, what in results.failures))
    return "\n\n".join(tables)
