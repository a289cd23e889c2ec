/// The style sheet of every page. Colours are those of Okabe and Ito, which people with any of the common colour
/// blindnesses can tell apart; lines differ in their dashes too, for paper without colour.
enum PageStyle {
    static let text = """
        :root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --ink: #1b1f24; --soft: #59636e;
          --line: #d9dee4; --grid: #e6e9ed; --good: #11703d; --bad: #b3261e; --doubt: #8a5a00;
          --good-back: #e3f4ea; --bad-back: #fde8e6; --doubt-back: #fdf1d8; --band: #eef1f5; --warm: #fbeed3;
          --c1: #0072b2; --c2: #d55e00; --c3: #00825c; --c4: #b8578f; --c5: #b87d00; --c6: #3f9bd1; }
        @media (prefers-color-scheme: dark) {
          :root { --page: #111418; --card: #1a1e24; --ink: #e8ebef; --soft: #a3adb8; --line: #343b44; --grid: #2a3038;
            --good: #6bd397; --bad: #ff8a80; --doubt: #f2bf5b; --good-back: #12301f; --bad-back: #3b1a18;
            --doubt-back: #35280c; --band: #21262d; --warm: #352b17;
            --c1: #56b4e9; --c2: #ff8c4a; --c3: #3ecf9f; --c4: #e59cc6; --c5: #f0b840; --c6: #9cd2f2; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
        main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 48px; }
        h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
        h2 { font-size: 19px; margin: 36px 0 12px; }
        h3 { font-size: 15px; margin: 0; }
        p { margin: 0; }
        a { color: var(--c1); }
        .sub, .note { color: var(--soft); }
        .note { font-size: 13px; }
        .verdict { display: flex; gap: 14px; align-items: baseline; flex-wrap: wrap; margin: 18px 0;
          padding: 14px 18px; border-radius: 10px; border: 1px solid currentColor; }
        .verdict strong { font-size: 19px; letter-spacing: 0.02em; }
        .verdict ul { margin: 0; padding-left: 20px; flex-basis: 100%; color: var(--ink); overflow-wrap: anywhere; }
        .verdict p { color: var(--ink); }
        .good { color: var(--good); background: var(--good-back); }
        .bad { color: var(--bad); background: var(--bad-back); }
        .doubt { color: var(--doubt); background: var(--doubt-back); }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 12px; margin: 0; }
        .tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; }
        .tile dt { color: var(--soft); font-size: 13px; }
        .tile dd { margin: 2px 0 0; font-size: 24px; line-height: 1.25; font-weight: 650;
          font-variant-numeric: tabular-nums; }
        .tile dd.aside { font-size: 13px; font-weight: 400; color: var(--soft); }
        .plots { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; grid-auto-flow: dense; }
        .plot { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 0;
          padding: 14px 16px 10px; min-width: 0; }
        .plot.wide { grid-column: 1 / -1; }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 6px 16px 10px; }
        .legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 6px 0 0; padding: 0;
          font-size: 13px; }
        .legend li { display: flex; align-items: center; gap: 6px; }
        .key { width: 22px; height: 10px; flex: none; }
        .chart { display: block; width: 100%; height: auto; margin-top: 6px; overflow: visible; }
        .chart:focus-visible { outline: 2px solid var(--c1); outline-offset: 2px; border-radius: 4px; }
        .chart text { fill: var(--soft); font-size: 11.5px; font-variant-numeric: tabular-nums; }
        .chart text.name, .chart text.value { fill: var(--ink); font-size: 13px; }
        .chart .aside { fill: var(--soft); }
        .chart text.empty { font-size: 14px; }
        .grid { stroke: var(--grid); stroke-width: 1; }
        .axis { stroke: var(--soft); stroke-width: 1; }
        .mark, .cursor { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 3 3; }
        .band.odd { fill: var(--band); } .band.even { fill: none; } .band.warm { fill: var(--warm); }
        .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
        .area { stroke: none; fill-opacity: 0.28; }
        .line.c1 { stroke: var(--c1); } .line.c2 { stroke: var(--c2); } .line.c4 { stroke: var(--c4); }
        .line.c3 { stroke: var(--c3); stroke-dasharray: 9 4; } .line.c5 { stroke: var(--c5); stroke-dasharray: 5 4; }
        .line.c6 { stroke: var(--c6); stroke-dasharray: 1 4; }
        .area.c1, .bar.c1, .dot.c1 { fill: var(--c1); } .area.c2, .bar.c2, .dot.c2 { fill: var(--c2); }
        .area.c3, .bar.c3, .dot.c3 { fill: var(--c3); } .area.c4, .bar.c4, .dot.c4 { fill: var(--c4); }
        .area.c5, .bar.c5, .dot.c5 { fill: var(--c5); } .area.c6, .bar.c6, .dot.c6 { fill: var(--c6); }
        .readout { font-size: 13px; min-height: 20px; font-variant-numeric: tabular-nums; color: var(--ink); }
        details { font-size: 13px; margin-top: 2px; }
        summary { color: var(--soft); cursor: pointer; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
        th, td { padding: 6px 10px; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; }
        thead th, thead th.left { color: var(--soft); font-weight: 600; }
        th.left, td.left, tbody th { text-align: left; font-weight: 500; }
        tbody td { white-space: nowrap; }
        tbody th, tbody td.left { overflow-wrap: break-word; min-width: 70px; white-space: normal; }
        tbody tr:last-child th, tbody tr:last-child td { border-bottom: none; }
        td.yes { color: var(--good); text-align: left; white-space: nowrap; }
        td.no { color: var(--bad); text-align: left; font-weight: 650; white-space: nowrap; }
        pre { background: var(--band); border-radius: 8px; padding: 12px 14px; white-space: pre-wrap;
          overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
        footer { color: var(--soft); font-size: 13px; margin-top: 36px; }
        @media screen and (max-width: 760px) { .plots { grid-template-columns: minmax(0, 1fr); } }
        @media print {
          :root { --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --grid: #ddd; --good: #0a5a2e;
            --bad: #9c1c15; --doubt: #6d4700; --good-back: #fff; --bad-back: #fff; --doubt-back: #fff; --band: #f0f0f0;
            --warm: #f6ecd8; --c1: #0072b2; --c2: #d55e00; --c3: #00825c; --c4: #b8578f; --c5: #b87d00; --c6: #3f9bd1; }
          body { font-size: 11pt; } main { max-width: none; padding: 0; }
          .tiles { grid-template-columns: repeat(4, minmax(0, 1fr)); }
          .chart text { font-size: 15px; } .chart text.name, .chart text.value { font-size: 16px; }
          .scroll { overflow: visible; } table { font-size: 8.5pt; } th, td { padding: 4px 5px; }
          tbody th, tbody td.left { overflow-wrap: anywhere; min-width: 0; } tbody td { white-space: normal; }
          .plot, .tile, .verdict, tr { break-inside: avoid; } h2 { break-after: avoid; }
          details, .readout { display: none; } .plots { gap: 10px; }
          .band, .bar, .area { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
        """
}
