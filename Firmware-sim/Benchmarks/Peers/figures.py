"""From measurements to the table's figures: medians, spread, ratios, and whether goals are met."""

import statistics

from rows import AGREEMENT

GATE = "fleetgate"
CONTEXT_ROWS = ("plain-p99", "storm-seconds", "quiet-p99")  # no contest: a ratio would say nothing


def summarize(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "values": list(values)}


def collect(measurements):
    """{row: {peer: summary}} of all measurements that gave figures."""
    values = {}
    for measurement in measurements:
        for row, value in measurement.get("figures", {}).items():
            values.setdefault(row, {}).setdefault(measurement["peer"], []).append(value)
    return {row: {peer: summarize(of_peer) for peer, of_peer in peers.items()} for row, peers in values.items()}


def best_peer(row, peers):
    """(name, median) of the best of the others, or None."""
    others = [(name, summary["median"]) for name, summary in peers.items() if name != GATE]
    if not others:
        return None
    return (max if row.higher_is_better else min)(others, key=lambda pair: pair[1])


def judge(row, peers):
    """(verdict, limit): met, missed, or None when it cannot be said because somebody was not measured."""
    if row.goal is None:
        return None, None
    reference = None
    if row.goal.reference == "best":
        best = best_peer(row, peers)
        reference = best[1] if best else None
    elif row.goal.reference is not None and row.goal.reference in peers:
        reference = peers[row.goal.reference]["median"]
    if GATE not in peers or (row.goal.reference is not None and reference is None):
        return None, None
    limit = row.goal.limit(reference)
    value = peers[GATE]["median"]
    return "met" if (value >= limit if row.goal.at_least else value <= limit) else "missed", limit


def evaluate(row, peers):
    """Everything the table says of a row."""
    best = best_peer(row, peers)
    ratio = None
    if best and GATE in peers and best[1] > 0 and row.id not in CONTEXT_ROWS:
        ratio = peers[GATE]["median"] / best[1]
    verdict, limit = judge(row, peers)
    return {"row": row.id, "title": row.title.strip(), "unit": row.unit, "generator": row.generator,
            "higherIsBetter": row.higher_is_better, "peers": peers, "best": best[0] if best else None, "ratio": ratio,
            "goal": row.goal.text() if row.goal else None, "limit": limit, "verdict": verdict}


def disagreements(figures):
    """Where the two generators' figures of full connects are further apart than they may be."""
    found = []
    for row in sorted(figures):
        if not row.endswith("-own-openssl"):
            continue
        first = figures.get(row.removesuffix("-openssl"), {})
        for peer, summary in figures[row].items():
            if peer in first and first[peer]["median"] > 0:
                apart = summary["median"] / first[peer]["median"] - 1
                if abs(apart) > AGREEMENT:
                    found.append(f"{peer}, {row.removesuffix('-own-openssl')}: openssl_load's figure is {apart:+.0%} "
                                 f"from firmware-sim's (more than {AGREEMENT:.0%} apart)")
    return found


def remarks(measurements):
    """What a reader has to know of single measurements, each said once with how often it was so."""
    counts = {}

    def note(text):
        counts[text] = counts.get(text, 0) + 1

    for measurement in measurements:
        where = f"{measurement['peer']}, {measurement['work']}" + (
            f", TLS {measurement['tls']}" if measurement.get("tls") else "")
        for text in measurement.get("notes", []):
            note(f"{where}: {text}")
        if measurement.get("error"):
            note(f"{where}: not measured: {measurement['error']}")
        cost = measurement.get("cost")
        if cost and cost["generatorBusyShare"] > 0.95 and cost["serverCoreBusyShare"] < 0.90:
            note(f"{where}: the generator was the limit (the figure is per CPU-second of the server and holds)")
        if cost and cost["othersOnServerCoreShare"] > 0.10:
            note(f"{measurement['work']}: other processes were on the servers' core: figures are noisy")
    return [text if count == 1 else f"{text} ({count} times)" for text, count in sorted(counts.items())]
