"""The results as one HTML page with bar charts: no scripts, nothing from elsewhere, readable in light and dark."""

import math
from html import escape

from peers import TITLES
from table import number

WIDTH, LABEL, BAR, GAP, AXIS, VALUE = 860, 110, 20, 8, 44, 190

STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --text: #1c1e21; --faint: #5b626b; --line: #c9ced6;
  --own: #0b6bcb; --other: #98a2b0; --goal: #b3261e; --met: #146c2e; --missed: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ground: #15171a; --text: #e6e8eb; --faint: #a2a9b3; --line: #3c424a;
  --own: #6cb2ff; --other: #6d7783; --goal: #ff8a80; --met: #7bd88f; --missed: #ff8a80; } }
body { background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; max-width: 900px;
  margin: 2rem auto; padding: 0 1rem; }
h2 { margin: 2.2rem 0 .2rem; font-size: 1.05rem; } p { margin: .2rem 0; } .faint { color: var(--faint); }
.met { color: var(--met); font-weight: 600; } .missed { color: var(--missed); font-weight: 600; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--text); font: 14px system-ui, sans-serif; }
svg .tick { fill: var(--faint); font-size: 12px; } .grid { stroke: var(--line); } .own { fill: var(--own); }
.other { fill: var(--other); } .spread { stroke: var(--text); stroke-width: 1.5; }
.goal { stroke: var(--goal); stroke-width: 2; stroke-dasharray: 5 3; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top; }
"""


def ticks(low, high, wanted=5):
    """Round numbers that cover the range."""
    high = high if high > low else low + 1
    span = high - low
    step = 10 ** math.floor(math.log10(span / wanted))
    step *= next((factor for factor in (1, 2, 5, 10) if span / (step * factor) <= wanted), 10)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [index * step for index in range(first, last + 1)]


def tick_text(value, step):
    return number(value, 0 if step >= 1 else min(6, math.ceil(-math.log10(step))))


def chart(row, evaluation, peers):
    """Horizontal bars, one for each peer, with the least and the most as a thin line and the goal as a dashed one."""
    shown = [peer for peer in peers if peer in evaluation["peers"]]
    summaries = [evaluation["peers"][peer] for peer in shown]
    limit = evaluation["limit"]
    values = [value for summary in summaries for value in (summary["min"], summary["max"])]
    marks = ticks(min(0.0, *values), max(0.0, *values, *([limit] if limit is not None else [])))
    low, high = marks[0], marks[-1]
    plot = WIDTH - LABEL - VALUE
    height = len(shown) * (BAR + GAP) + AXIS
    base = height - AXIS

    def x(value):
        return round(LABEL + plot * (value - low) / (high - low), 1)

    title = f"{row.title.strip()}, in {row.unit}"
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">']
    for mark in marks:
        parts.append(f'<line class="grid" x1="{x(mark)}" y1="0" x2="{x(mark)}" y2="{base}"/>'
                     f'<text class="tick" x="{x(mark)}" y="{base + 16}" text-anchor="middle">'
                     f'{escape(tick_text(mark, marks[1] - marks[0]))}</text>')
    for index, (peer, summary) in enumerate(zip(shown, summaries)):
        top = index * (BAR + GAP) + GAP / 2
        middle = top + BAR / 2
        left, right = sorted((x(0), x(summary["median"])))
        kind = "own" if peer == "fleetgate" else "other"
        parts.append(f'<text x="0" y="{middle + 5}">{escape(TITLES.get(peer, peer))}</text>'
                     f'<rect class="{kind}" x="{left}" y="{top}" width="{max(right - left, 1):.1f}" height="{BAR}" '
                     'rx="2"/>')
        if summary["max"] > summary["min"]:
            parts.append(f'<line class="spread" x1="{x(summary["min"])}" y1="{middle}" x2="{x(summary["max"])}" '
                         f'y2="{middle}"/>')
        parts.append(f'<text x="{LABEL + plot + 12}" y="{middle + 5}">{escape(number(summary["median"], row.decimals))}'
                     '</text>')
    if limit is not None:
        parts.append(f'<line class="goal" x1="{x(limit)}" y1="0" x2="{x(limit)}" y2="{base}"/>')
    parts.append(f'<text class="tick" x="{LABEL + plot / 2}" y="{base + 36}" text-anchor="middle">{escape(row.unit)}'
                 '</text></svg>')
    return "".join(parts)


def section(row, evaluation, peers):
    better = "more is better" if row.higher_is_better else "less is better"
    title = ("… " if row.title.startswith("  ") else "") + evaluation["title"]
    text = [f"<h2>{escape(title)}</h2>",
            f'<p class="faint">{escape(row.unit)}, {better}; generator: {escape(row.generator)}</p>']
    if evaluation["goal"]:
        verdict = evaluation["verdict"] or "not judged"
        text.append(f'<p>Goal: FleetGate {escape(evaluation["goal"])} '
                    f'<span class="{escape(verdict)}">{escape(verdict)}</span></p>')
    text.append(chart(row, evaluation, peers))
    return "".join(text)


def fact_rows(facts):
    shown = [("Date", facts["date"]), ("Commit", (facts["commit"] or "unknown")
                                       + (" with changes" if facts["uncommittedChanges"] else "")),
             ("Processor", f"{facts['cpu']} (model {facts['cpuModel']}), {facts['cores']} cores"),
             ("Memory", f"{facts['memoryKiB'] / 1048576:.1f} GiB"), ("Kernel", facts["kernel"]),
             ("Generator's library", facts["openssl"])]
    shown += [(TITLES.get(peer, peer), version) for peer, version in facts["versions"].items()]
    return "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in shown)


def render(rows, evaluations, peers, facts, repetitions, remarks, skipped):
    sections = "".join(section(row, evaluations[row.id], peers) for row in rows if row.id in evaluations)
    notes = "".join(f"<li>{escape(text)}</li>" for text in [*skipped, *remarks])
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>FleetGate and its peers</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
            f"<h1>FleetGate and its peers</h1>"
            f'<p class="faint">Medians of {repetitions} interleaved repetitions on one pinned core. The thin line '
            f"goes from the least to the most, the dashed line is the goal.</p>"
            f"{sections}<h2>Remarks</h2><ul>{notes or '<li>none</li>'}</ul>"
            f"<h2>Machine and versions</h2><table>{fact_rows(facts)}</table></body></html>\n")
