"""Checks of the benchmark itself, of all that is no measurement. From this folder: python3 -m unittest"""

import io
import os
import socket
import threading
import unittest
import unittest.mock
from html.parser import HTMLParser

import bench
import broker_count
import figures
import page
import peers
import procfs
import processes
import rows
import table
from progress import Progress, duration


def summary(*values):
    return figures.summarize(values)


class ProcfsTests(unittest.TestCase):
    def test_stat_of_a_process_with_a_hostile_name(self):
        text = "17 (a) R 1 (b) c) S 5 17 17 0 -1 4194560 1 2 3 4 250 50 7 8 20 0 1 0 100 0 0"
        self.assertEqual(procfs.parse_stat(text), (5, 300 / procfs.TICK))

    def test_stat_that_is_cut_off(self):
        for text in ("", "17 (x", "17 (x) S 5"):
            with self.assertRaises((ValueError, IndexError)):
                procfs.parse_stat(text)

    def test_schedstat_is_nanoseconds(self):
        self.assertEqual(procfs.parse_schedstat("2500000000 77 12\n"), 2.5)

    def test_rollup(self):
        text = "5581-7ffc ---p 00000000 00:00 0   [rollup]\nRss:      9720 kB\nPss:     5070 kB\nPss_Anon:  12 kB\n"
        self.assertEqual(procfs.parse_rollup(text), {"Rss": 9720 * 1024, "Pss": 5070 * 1024, "Pss_Anon": 12 * 1024})
        self.assertEqual(procfs.parse_rollup(""), {})

    def test_core_busy_leaves_out_idle_and_waiting_for_disks(self):
        text = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 100 1 50 4000 30 2 3 4 90 0\ncpu10 1 1 1 1 1 1 1 1 0 0\n"
        self.assertEqual(procfs.parse_core_busy(text, 0), 160 / procfs.TICK)
        with self.assertRaises(ValueError):
            procfs.parse_core_busy(text, 1)

    def test_exact_time_of_threads_is_taken(self):
        before = {1: (1.00, {"1": 0.900001, "2": 0.1})}
        after = {1: (1.51, {"1": 1.300001, "2": 0.2, "3": 0.01})}
        self.assertAlmostEqual(procfs.cpu_between(before, after), 0.51)

    def test_time_of_a_thread_that_ended_is_not_lost(self):
        before = {1: (1.0, {"1": 0.5, "2": 0.5})}
        after = {1: (3.0, {"1": 0.6})}
        self.assertAlmostEqual(procfs.cpu_between(before, after), 2.0)

    def test_a_child_that_came_counts_whole(self):
        before = {1: (1.0, {"1": 1.0})}
        after = {1: (1.0, {"1": 1.0}), 2: (0.2, {"2": 0.2})}
        self.assertAlmostEqual(procfs.cpu_between(before, after), 0.2)

    def test_this_process(self):
        own = os.getpid()
        self.assertIn(own, procfs.descendants(own))
        before = procfs.cpu_sample(own)
        sum(index * index for index in range(300000))
        self.assertGreater(procfs.cpu_between(before, procfs.cpu_sample(own)), 0)
        self.assertGreater(procfs.resident(own), 1 << 20)


class FigureTests(unittest.TestCase):
    def row(self, name):
        return next(row for row in rows.all_rows() if row.id == name)

    def test_summary(self):
        self.assertEqual(summary(3, 1, 2), {"median": 2, "min": 1, "max": 3, "values": [3, 1, 2]})

    def test_collect(self):
        found = figures.collect([{"peer": "nginx", "figures": {"a": 1}}, {"peer": "nginx", "figures": {"a": 3, "b": 5}},
                                 {"peer": "haproxy", "error": "no", "figures": {}}, {"peer": "haproxy"}])
        self.assertEqual(found["a"]["nginx"]["values"], [1, 3])
        self.assertEqual(list(found["b"]), ["nginx"])

    def test_best_peer_is_never_fleetgate(self):
        of = {"fleetgate": summary(900), "nginx": summary(100), "haproxy": summary(200)}
        self.assertEqual(figures.best_peer(self.row("full-1.2-own"), of), ("haproxy", 200))
        self.assertEqual(figures.best_peer(self.row("idle-1.2"), of), ("nginx", 100))
        self.assertIsNone(figures.best_peer(self.row("idle-1.2"), {"fleetgate": summary(1)}))

    def test_twice_the_best_peer(self):
        row = self.row("full-1.3-own")
        for own, verdict in ((400, "met"), (399.9, "missed")):
            of = {"fleetgate": summary(own), "nginx": summary(100), "haproxy": summary(200)}
            self.assertEqual(figures.judge(row, of), (verdict, 400))

    def test_against_one_peer_only(self):
        of = {"fleetgate": summary(160), "nginx": summary(1000), "mosquitto": summary(100)}
        self.assertEqual(figures.judge(self.row("full-1.2-both"), of), ("met", 150))
        of = {"fleetgate": summary(700), "nginx": summary(9000), "haproxy": summary(701)}
        self.assertEqual(figures.judge(self.row("qos0-4-own"), of)[0], "missed")

    def test_less_is_better(self):
        row = self.row("idle-1.3")
        self.assertEqual(figures.judge(row, {"fleetgate": summary(24), "mosquitto": summary(24)})[0], "met")
        self.assertEqual(figures.judge(row, {"fleetgate": summary(24.1), "mosquitto": summary(24)})[0], "missed")
        row = self.row("added-p99")
        self.assertEqual(figures.judge(row, {"fleetgate": summary(250), "mosquitto": summary(100)}), ("met", 250))

    def test_a_fixed_limit_needs_no_peer(self):
        self.assertEqual(figures.judge(self.row("storm-ratio"), {"fleetgate": summary(5.1)}), ("missed", 5))

    def test_no_verdict_when_somebody_was_not_measured(self):
        self.assertEqual(figures.judge(self.row("qos0-4-own"), {"fleetgate": summary(9)}), (None, None))
        self.assertEqual(figures.judge(self.row("full-1.2-own"), {"nginx": summary(9)}), (None, None))
        self.assertEqual(figures.judge(self.row("full-1.2-own"), {"fleetgate": summary(9)}), (None, None))

    def test_no_ratio_to_a_peer_that_adds_nothing(self):
        of = {"fleetgate": summary(10), "nginx": summary(-2)}
        self.assertIsNone(figures.evaluate(self.row("added-p50"), of)["ratio"])

    def test_generators_that_disagree(self):
        near = {"full-1.2-own": {"nginx": summary(100)}, "full-1.2-own-openssl": {"nginx": summary(110)}}
        self.assertEqual(figures.disagreements(near), [])
        near["full-1.2-own-openssl"]["nginx"] = summary(80)
        self.assertEqual(len(figures.disagreements(near)), 1)
        self.assertIn("-20%", figures.disagreements(near)[0])

    def test_remarks(self):
        cost = {"generatorBusyShare": 0.97, "serverCoreBusyShare": 0.5, "othersOnServerCoreShare": 0.0}
        one = {"peer": "nginx", "work": "connect", "tls": "1.2", "notes": [], "cost": cost, "figures": {}}
        text = figures.remarks([one, one])
        self.assertEqual(len(text), 1)
        self.assertIn("generator was the limit", text[0])
        self.assertIn("(2 times)", text[0])
        self.assertIn("not measured: why", figures.remarks([{"peer": "nginx", "work": "idle", "error": "why"}])[0])

    def test_rows_have_names_of_their_own(self):
        names = [row.id for row in rows.all_rows()]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual({row.work for row in rows.all_rows()}, set(bench.WORKS))


class OutputTests(unittest.TestCase):
    def setUp(self):
        self.rows = [rows.Row("x", "connect", "a <b> & \"c\"", "connects/CPU-s", goal=rows.Goal(True, "best", 2.0))]
        self.figures = {"fleetgate": summary(2000, 2200, 1900), "nginx": summary(1000.4)}
        self.evaluations = {"x": figures.evaluate(self.rows[0], self.figures)}

    def test_table(self):
        text = table.render(self.rows, self.evaluations, ["fleetgate", "haproxy", "nginx"])
        head, line = text.splitlines()
        self.assertIn("2,000 (1,900..2,200)", line)
        self.assertIn("1,000", line)
        self.assertIn(" - ", line)
        self.assertTrue(line.endswith("missed"))
        self.assertEqual(head.index("FleetGate") + len("FleetGate"), line.index("2,200)") + len("2,200)"))

    def test_page_is_escaped_whole_and_alone(self):
        facts = {"date": "today", "commit": None, "uncommittedChanges": None, "cpu": "<script>x</script>",
                 "cpuModel": "1", "cores": 2, "memoryKiB": 1048576, "kernel": "k", "openssl": None,
                 "versions": {"nginx": "a&b"}}
        text = page.render(self.rows, self.evaluations, ["fleetgate", "nginx"], facts, 3, ["<i>remark"], [])
        self.assertNotIn("<script", text)
        self.assertNotIn("<i>", text)
        self.assertNotIn("<b>", text)
        self.assertIn("&lt;i&gt;remark", text)
        self.assertIn("a&amp;b", text)
        for resource in ("http:", "https:", "src=", "href=", "url(", "@import"):
            self.assertNotIn(resource, text)
        self.assertIn("prefers-color-scheme: dark", text)
        opened = []

        class Nesting(HTMLParser):
            def handle_starttag(self, tag, _):
                if tag not in ("meta",):
                    opened.append(tag)

            def handle_startendtag(self, tag, _):
                pass

            def handle_endtag(self, tag):
                assert opened.pop() == tag, tag

        Nesting().feed(text)
        self.assertEqual(opened, [])

    def test_chart_of_values_below_and_at_zero(self):
        row = rows.Row("x", "latency", "added", "us", False)
        for values in ((-5.0, 10.0), (0.0, 0.0), (-1.0, -2.0)):
            of = {peer: summary(value) for peer, value in zip(("fleetgate", "nginx"), values)}
            text = page.chart(row, figures.evaluate(row, of), ["fleetgate", "nginx"])
            self.assertNotIn("nan", text)
            self.assertEqual(text.count("<rect"), 2)

    def test_ticks_cover_the_range(self):
        for low, high in ((0, 1), (0, 2881), (-40, 260), (0, 7061677), (0, 0), (0, 0.31)):
            marks = page.ticks(low, high)
            self.assertLessEqual(marks[0], low)
            self.assertGreaterEqual(marks[-1], high)
            self.assertLessEqual(len(marks), 8)


class RunTests(unittest.TestCase):
    def test_options(self):
        options = bench.arguments(["bin", "--peers", "nginx,fleetgate", "--work", "storm,connect", "--quick"])
        self.assertEqual((options.peers, options.work, options.repetitions),
                         (["fleetgate", "nginx"], ["connect", "storm"], 1))
        self.assertEqual(bench.arguments(["bin"]).repetitions, 3)

    def test_mistakes_in_options(self):
        for words in ([], ["bin", "--peers", "apache"], ["bin", "--work", ""], ["bin", "--repetitions", "0"],
                      ["bin", "--repetitions", "many"], ["bin", "--tls", "1.1"]):
            with self.assertRaises(SystemExit) as end, unittest.mock.patch("sys.stderr", io.StringIO()):
                bench.arguments(words)
            self.assertEqual(end.exception.code, 2)

    def test_configuration_that_is_not_as_expected_is_said(self):
        with self.assertRaises(processes.BenchError):
            peers.replace("port: 1\n", r"^  port: \d+$", "")
        self.assertEqual(peers.replace("a\n  port: 1\nb", r"^  port: \d+$", "  port: 2"), "a\n  port: 2\nb")

    def test_a_server_that_ends_at_once_is_told_with_its_log(self):
        log = f"/tmp/fleetgate-bench-test.{os.getpid()}.log"
        self.addCleanup(os.remove, log)
        server = processes.Server("thing", ["/bin/sh", "-c", "echo no such file; exit 3"], log, 0)
        with self.assertRaises(processes.BenchError) as caught:
            server.wait_until(lambda: False, 5)
        self.assertIn("status 3", str(caught.exception))
        self.assertIn("no such file", str(caught.exception))

    def test_estimate_learns(self):
        now = [0.0]
        progress = Progress(["connect", "connect", "idle"], 1, quiet=True, clock=lambda: now[0])
        self.assertEqual(progress.estimate(), 10 + 10 + 12)
        progress.step(1, "nginx", "connect")
        now[0] = 20.0
        progress.finished()
        self.assertEqual(progress.estimate(), 20 + 24)
        self.assertEqual((duration(89), duration(120)), ("89 s", "2 min"))

    def test_count_of_messages(self):
        path = f"/tmp/fleetgate-bench-test.{os.getpid()}.sock"
        self.addCleanup(os.remove, path)
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen()

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(bytes([0x20, 2, 0, 0]))
                connection.recv(100)
                topic = broker_count.TOPIC
                body = len(topic).to_bytes(2, "big") + topic + b"4711"
                connection.sendall(bytes([0x90, 3, 0, 1, 0, 0x31, len(body)]) + body)

        thread = threading.Thread(target=answer)
        thread.start()
        self.assertEqual(broker_count.messages_received(path), 4711)
        thread.join()


if __name__ == "__main__":
    unittest.main()
