"""The table for the terminal."""

from peers import TITLES


def number(value, decimals=0):
    return f"{value:,.{decimals}f}"


def cell(summary, decimals):
    if summary is None:
        return "-"
    median = number(summary["median"], decimals)
    if len(summary["values"]) == 1:
        return median
    return f"{median} ({number(summary['min'], decimals)}..{number(summary['max'], decimals)})"


def aligned(lines, left_columns=1):
    """Columns as wide as their widest cell; the first ones to the left, numbers to the right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) if column < left_columns else text.rjust(width)
                  for column, (text, width) in enumerate(zip(line, widths))).rstrip()
        for line in lines)


def render(rows, evaluations, peers):
    """The rows that have figures. `evaluations` by row id."""
    lines = [["work", "unit", *(TITLES[peer] for peer in peers), "ratio", "goal", ""]]
    for row in rows:
        of_row = evaluations.get(row.id)
        if of_row is None:
            continue
        ratio = f"{of_row['ratio']:.2f}" if of_row["ratio"] is not None else ""
        lines.append([row.title, row.unit, *(cell(of_row["peers"].get(peer), row.decimals) for peer in peers),
                      ratio, of_row["goal"] or "", of_row["verdict"] or ("not judged" if of_row["goal"] else "")])
    return aligned(lines, left_columns=2)
