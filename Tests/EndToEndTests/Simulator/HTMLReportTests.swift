import Foundation
import TestKit
import Testing

/// The HTML report of a real run in a real browser.
@Suite(
    "HTML reports in a browser",
    .enabled(if: Browser.installed() != nil, "no browser is installed (Debian package chromium-headless-shell)"),
    .enabled(if: PlainMosquitto.isInstalled, "no mosquitto is installed (Debian package mosquitto)"))
struct HTMLReportTests {
    /// Something for every plot: two classes of devices, commands, and some that are refused.
    private static let scenario = """
        name: a-bit-of-everything
        summary: Something for every plot of the report.
        mqtt: "5"
        connect-timeout: 20s
        firmware:
          lock:
            answers-commands: true
            telemetry: [{ period: 500ms, jitter: 20%, payload-bytes: 64 }]
          hub:
            commands: { fleet: locks, period: 250ms, payload-bytes: 48, timeout: 10s }
            telemetry: [{ period: 500ms, jitter: 20%, payload-bytes: 200 }]
        fleets:
          - { name: locks, count: 8, class: c3-m33-asm, firmware: lock }
          - { name: hubs, count: 2, class: linux-gw, firmware: hub }
          - { name: expired, count: 3, credential: expired, expect: { refused: ["*/alert-certificate-expired"] } }
        stages:
          - { name: start, duration: 3s, actions: [{ do: start, spread: 2s }] }
          - { name: work, duration: 4s }
        assertions: [unexpected == 0, p99 command < 1h]

        """

    /// By the `id` of their figures; each must have something drawn in it.
    private static let plots = [
        "connected", "handshakes", "traffic", "latency-tls", "latency-connected", "latency-publish", "latency-command",
        "histogram-tls", "histogram-connected", "histogram-publish", "histogram-command", "failures", "generator",
        "server-cpu", "server-memory",
    ]

    @Test("It is whole in light and dark, with everything drawn and nothing to complain of")
    func everythingIsDrawn() async throws {
        let pki = try await SimulatorFolder()
        let mosquitto = try await PlainMosquitto(pki)
        let file = try pki.directory.write("scenario.yaml", Self.scenario)
        let result = try await pki.run(
            scenario: file, port: mosquitto.port,
            options: ["--server-pid", "\(mosquitto.broker.process.processID)"])
        let source = try String(contentsOfFile: result.page, encoding: .utf8)
        for foreign in ["src=\"http", "href=\"http", "url(http", "@import"] {
            #expect(!source.contains(foreign), "the file needs something from elsewhere: \(foreign)")
        }
        var brightness: [Browser.ColorScheme: Double] = [:]
        for scheme in Browser.ColorScheme.allCases {
            let page = try await ReportPage.open(
                result.page, with: #require(Browser.installed()), in: pki.directory, scheme)
            #expect(page.console.isEmpty, "\(scheme): \(page.console)")
            for id in Self.plots {
                guard let plot = page.plot(id) else {
                    Issue.record("\(scheme): there is no plot \(id), only \(page.facts.plots.map(\.id))")
                    continue
                }
                #expect(plot.marks > 0, "\(scheme): nothing is drawn in \(id)")
                #expect(plot.width >= 200 && plot.height >= 30, "\(scheme): \(id) is \(plot.width) by \(plot.height)")
                #expect(!plot.title.isEmpty, "\(scheme): \(id) has no title")
            }
            for plot in page.facts.plots { #expect(plot.marks > 0, "\(scheme): nothing is drawn in \(plot.id)") }
            #expect(!page.facts.overflows, "\(scheme): the page is wider than its window")
            for word in ["NaN", "undefined", "null", "nil", "Optional("] {
                #expect(!page.facts.text.contains(word), "\(scheme): the page says \(word)")
            }
            for word in ["locks", "hubs", "expired", "c3-m33-asm", "unexpected == 0"] {
                #expect(page.facts.text.contains(word), "\(scheme): the page does not say \(word)")
            }
            guard let picture = page.picture else { continue }
            #expect(picture.width == 1_000 && picture.height == 1_400)
            #expect(picture.colors >= 16, "\(scheme): the picture has \(picture.colors) colours")
            #expect(picture.mostFrequentShare < 0.97, "\(scheme): the picture is all but blank")
            brightness[scheme] = picture.brightness
        }
        if let light = brightness[.light], let dark = brightness[.dark] {
            #expect(light > dark + 64, "light is \(light) and dark is \(dark)")
        }
    }
}
