# SPDX-License-Identifier: Apache-2.0
"""The JSON file, the table and the goals. A row that has no number says why."""
import json
import os
import pathlib
import platform

from parts.processes import median

PEAK = 128e6 / (1 << 20)    # the goal is in MB, what is measured in MiB

# (row, field, against, at most this ratio); against None: the value itself, `rate` is "at least".
FIRST = (("wall", "tar+zstd", 1.0), ("cpu", "restic", 0.35), ("peak", None, PEAK), ("stored", "restic", 1.0))
UNCHANGED = (("wall", "native", 1.0), ("wall", "restic", 0.25), ("peak", None, PEAK))
RESTORE = (("wall", "restic", 0.6), ("wall", "native", 1.2), ("synced", "native", 1.2), ("peak", None, PEAK))
LIST = (("wall", "squashfs", 1.0), ("peak", None, PEAK))
# Those of backups and restores hold for each tree.
GOALS = (
    *(("a.first", *goal) for goal in FIRST),
    *((f"a.unchanged.{variant}", *goal) for variant in ("cold", "warm") for goal in UNCHANGED),
    *(("a.restore", *goal) for goal in RESTORE),
    *((f"a.list.{variant}", *goal) for variant in ("cold", "warm") for goal in LIST),
    ("a.read", "wall", "squashfuse", 1.0), ("a.read", "peak", None, PEAK),
    *(("b.first", *goal) for goal in FIRST), *(("b.restore", *goal) for goal in RESTORE),
    ("b.sequential.cold", "rate", None, 800), ("b.sequential.warm", "rate", "native", 1.0),
    ("b.sequential.warm", "peak", None, PEAK),
    ("b.random", "rate", "restic", 10), ("b.random", "rate", None, 5000), ("b.random", "peak", None, PEAK),
    ("b.changed", "stored", "restic", 1.0), ("b.changed", "peak", None, PEAK),
    *(("c.first", *goal) for goal in FIRST),
    *((f"c.unchanged.{variant}", *goal) for variant in ("cold", "warm") for goal in UNCHANGED),
    *(("c.restore", *goal) for goal in RESTORE),
    *((f"c.list.{variant}", *goal) for variant in ("cold", "warm") for goal in LIST),
    *(("d.first", *goal) for goal in FIRST), *(("d.restore", *goal) for goal in RESTORE),
    ("e.points", "peak", None, PEAK), ("e.points", "stored", "restic", 1.0),
    *(("e.restore", *goal) for goal in RESTORE),
    ("e.ready.cold", "wall", None, 0.050), ("e.ready.warm", "wall", None, 0.050), ("e.ready.warm", "peak", None, PEAK),
)
FIELDS = ("wall", "synced", "cpu", "peak", "stored", "rate")
UNITS = {"wall": "wall s", "synced": "on disk s", "cpu": "CPU s", "peak": "peak MiB", "stored": "stored MB", "rate": "rate /s"}


class Results:
    """{"machine": .., "tools": {name: version}, "rows": {row: {tool: {"samples": [], "check": "", "error": ""}}}}

    The file has also, made of the samples: in each cell the "median" of each field and, where the tool is a peer, in
    "ratio" what ours takes divided by what it takes (a rate too: ours by its); and all "goals" that can be judged."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.data = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.data.setdefault("rows", {})
        self.data.setdefault("tools", {})

    def cell(self, row, tool):
        return self.data["rows"].setdefault(row, {}).setdefault(tool, {"samples": []})

    def save(self):
        self.summarize()
        partial = self.path.with_suffix(".part")
        partial.write_text(json.dumps(self.data, indent=1, sort_keys=True) + "\n")
        partial.replace(self.path)

    def summarize(self):
        for row, cells in self.data["rows"].items():
            for tool, cell in cells.items():
                fields = [field for field in FIELDS if self.value(row, tool, field) is not None]
                cell["median"] = {field: self.value(row, tool, field) for field in fields}
                cell["ratio"] = {field: found for field in fields
                                 if tool != "ours" and (found := self.ratio(row, field, tool)) is not None}
        self.data["goals"] = judge(self)

    def ratio(self, row, field, tool):
        """Ours by that of `tool`, or None."""
        ours, other = self.value(row, "ours", field), self.value(row, tool, field)
        return ours / other if ours is not None and other else None

    def value(self, row, tool, field):
        samples = self.data["rows"].get(row, {}).get(tool, {}).get("samples", [])
        return median([sample.get(field) for sample in samples])


def describe_machine():
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {platform.release()}"


def shown(value, field):
    if value is None:
        return "-"
    if field == "stored":
        value /= 1e6
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def times_ours(results, row, tool):
    """How many times longer than ours (a rate: how many times less)."""
    field = "rate" if results.value(row, "ours", "rate") else "wall"
    ratio = results.ratio(row, field, tool)
    if not ratio:
        return "-"
    return f"{(ratio if field == 'rate' else 1 / ratio):.2f}"


def format_table(results, titles):
    lines = [results.data.get("machine", ""), ""]
    lines += [f"{name}: {version}" for name, version in sorted(results.data["tools"].items()) if version]
    for row, title in titles.items():
        cells = results.data["rows"].get(row)
        if not cells:
            continue
        fields = [field for field in FIELDS if any(results.value(row, tool, field) is not None for tool in cells)]
        lines += ["", f"{row}: {title}", ""]
        lines.append("| " + " | ".join(["tool", *(UNITS[field] for field in fields), "x ours", "runs", "result"]) + " |")
        lines.append("| " + " | ".join("---" for _ in range(len(fields) + 4)) + " |")
        for tool, cell in cells.items():
            values = [shown(results.value(row, tool, field), field) for field in fields]
            note = cell.get("error") or cell.get("check", "")
            lines.append("| " + " | ".join([tool, *values, times_ours(results, row, tool), str(len(cell["samples"])), note]) + " |")
    return "\n".join(lines)


def judge(results):
    """Every goal that can be judged."""
    found = []
    for row, field, against, limit in GOALS:
        value = results.ratio(row, field, against) if against else results.value(row, "ours", field)
        if value is None:
            continue
        is_met = value >= limit * 0.995 if field == "rate" else value <= limit * 1.005
        found.append({"row": row, "field": field, "against": against, "limit": limit, "value": value, "met": is_met})
    return found


def format_goals(results):
    """A line for each."""
    lines = []
    for goal in judge(results):
        sign = ">=" if goal["field"] == "rate" else "<="
        what = f"x {goal['against']}" if goal["against"] else UNITS[goal["field"]]
        lines.append(f"{'met   ' if goal['met'] else 'MISSED'} {goal['row']} {goal['field']}: {goal['value']:.3g} {what} "
                     f"(goal {sign} {goal['limit']:.4g})")
    return "\n".join(lines)
