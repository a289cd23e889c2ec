import Testing

@testable import FirmwareSim

@Suite struct ProgressDisplayTests {
    private func figures(_ seconds: Double, handshakes: Int = 0, connected: Int = 0, stage: String? = nil)
        -> LiveFigures
    {
        var figures = LiveFigures()
        figures.elapsedSeconds = seconds
        figures.devices = 1_000
        figures.connectedNow = connected
        figures.handshakes = handshakes
        figures.stage = stage
        return figures
    }

    @Test func plainLinesWithTheRateSinceTheLast() {
        var display = ProgressDisplay(style: .lines)
        #expect(display.show(figures(0)) != nil)
        #expect(display.show(figures(0.9, handshakes: 90)) == nil)
        #expect(
            display.show(figures(2, handshakes: 500, connected: 500))
                == "    2s  connected 500/1,000  250 handshakes/s  failures 0\n")
        #expect(display.end.isEmpty)
    }

    @Test func aLongLogIsSparse() {
        var display = ProgressDisplay(style: .lines)
        var lines = 0
        for second in 0..<3_600 where display.show(figures(Double(second))) != nil { lines += 1 }
        #expect((100...250).contains(lines))
    }

    @Test func aNewStageIsToldAtOnce() {
        var display = ProgressDisplay(style: .lines)
        #expect(display.show(figures(100, stage: "calm")) != nil)
        #expect(display.show(figures(100.1, stage: "calm")) == nil)
        #expect(display.show(figures(100.2, stage: "storm"))?.contains("  storm  connected") == true)
    }

    @Test func aBlockRedrawnInPlace() {
        var display = ProgressDisplay(style: .terminal(columns: 100), hasColours: false)
        var now = figures(10, handshakes: 500, connected: 480, stage: "storm")
        now.plannedSeconds = 40
        now.resumedHandshakes = 100
        now.failureCount = 3
        now.failures = [FailureReason(.tls, "eof"): 2, FailureReason(.connack, "connack-5"): 1]
        now.latency = [.tls: .init(count: 500, p50: 1_000, p90: 2_000, p99: 12_000, max: 20_000)]
        let first = display.show(now) ?? ""
        let lines = first.split(separator: "\n").map { $0.replacingPrefix("\r\u{1B}[2K") }
        #expect(lines.count == 4)
        #expect(lines[0].hasPrefix("[##########....") && lines[0].hasSuffix("] 25 %  10.0 s of 40.0 s  storm"))
        #expect(lines[1] == "connected 480/1,000   50.0 handshakes/s (10.0 resumed)")
        #expect(lines[2] == "p99 handshake 12.0 ms")
        #expect(lines[3] == "failures 3: tls/eof 2, connack/connack-5 1")
        now.elapsedSeconds = 11
        #expect((display.show(now) ?? "").hasPrefix("\u{1B}[4A\r\u{1B}[2K["))
    }

    @Test func coloursOnlyWhereTheyAreWanted() {
        for hasColours in [true, false] {
            var display = ProgressDisplay(style: .terminal(columns: 80), hasColours: hasColours)
            let text = display.show(figures(1)) ?? ""
            #expect(text.contains("\u{1B}[0m") == hasColours)
        }
    }

    @Test(arguments: [0, 1, 10, 20, 40, 60, 200])
    func neverWiderThanTheTerminal(columns: Int) {
        var display = ProgressDisplay(style: .terminal(columns: columns), hasColours: false)
        var now = figures(1, handshakes: 2_000, connected: 2_000, stage: "a-stage-with-a-name")
        now.failureCount = 12
        now.failures = [FailureReason(.tls, String(repeating: "x", count: 400)): 12]
        for line in (display.show(now) ?? "").split(separator: "\n") {
            #expect(line.replacingPrefix("\r\u{1B}[2K").count <= max(0, columns - 1))
        }
    }

    @Test func whatAPeerSendsCannotSteerTheTerminal() {
        var display = ProgressDisplay(style: .lines)
        var now = figures(1, stage: "a\u{1B}[2Jb")
        now.failures = [FailureReason(.tls, "\u{1B}]0;title\u{7}"): 1]
        let text = display.show(now) ?? ""
        #expect(!text.isEmpty)
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    }

    @Test func credentialsHaveALineOfTheirOwn() {
        var display = ProgressDisplay(style: .lines)
        let text = display.show(CredentialIssuer.Progress(done: 10, total: 10, fromCache: 4), elapsed: 0.1)
        #expect(text == "keys and certificates: 10 of 10 (4 from the cache)\n")
    }

    @Test func progressIsByTimeOrByDevices() {
        #expect(figures(5, connected: 250).progress == 0.25)
        var timed = figures(5, connected: 250)
        timed.plannedSeconds = 4
        #expect(timed.progress == 1)
        #expect(LiveFigures().progress == 0)
    }
}

extension Substring {
    fileprivate func replacingPrefix(_ prefix: String) -> String {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : String(self)
    }
}
