import Foundation
import TestKit
import Testing

/// The check of reports in a browser: that it sees what is drawn, and above all what is not.
@Suite(
    "Looking at a page in a browser",
    .enabled(if: Browser.installed() != nil, "no browser is installed (Debian package chromium-headless-shell)"))
struct ReportPageTests {
    private static func page(
        _ body: String, _ scheme: Browser.ColorScheme = .light, takesPicture: Bool = false
    ) async throws -> ReportPage {
        let directory = try ScratchDirectory()
        let file = try directory.write(
            "page.html",
            """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title><style>
            :root { color-scheme: light dark; } body { background: light-dark(white, black); }
            path, line { stroke: red; fill: none; } rect { fill: blue; }
            </style></head><body>\(body)</body></html>
            """)
        return try await ReportPage.open(
            file, with: #require(Browser.installed()), in: directory, scheme, takesPicture: takesPicture)
    }

    private static func figure(_ content: String, id: String = "one") -> String {
        """
        <figure id="\(id)"><figcaption>One</figcaption>
        <svg class="chart" width="600" height="300" viewBox="0 0 600 300">\(content)</svg></figure>
        """
    }

    @Test("What is drawn is counted", arguments: Browser.ColorScheme.allCases)
    func drawn(scheme: Browser.ColorScheme) async throws {
        let page = try await Self.page(
            Self.figure(#"<path d="M0 0L600 300"/><rect width="50" height="200"/><line class="grid" x2="600"/>"#),
            scheme,
            takesPicture: true)
        #expect(page.console.isEmpty, "\(page.console)")
        #expect(page.facts.title == "A page")
        let plot = try #require(page.plot("one"))
        #expect(plot.marks == 2)
        #expect(plot.width == 600)
        #expect(plot.title == "One")
        #expect(page.facts.background == (scheme == .light ? "rgb(255, 255, 255)" : "rgb(0, 0, 0)"))
        let picture = try #require(page.picture)
        #expect(picture.colors > 2)
        #expect(picture.mostFrequentShare < 0.999)
        #expect((picture.brightness > 128) == (scheme == .light))
    }

    @Test("What is not drawn is not counted")
    func notDrawn() async throws {
        let contents = [
            "", "<path d=\"\"/>", "<rect width=\"0\" height=\"0\"/>", "<path d=\"M1 1\"/>",
            "<path d=\"M0 0L600 300\" style=\"stroke: none\"/>",
            "<rect width=\"9\" height=\"9\" style=\"opacity: 0\"/>",
            "<rect width=\"9\" height=\"9\" style=\"visibility: hidden\"/>",
            "<g style=\"display: none\"><rect width=\"9\" height=\"9\"/></g>", "<line class=\"grid\" x2=\"600\"/>",
            "<rect class=\"band\" width=\"9\" height=\"9\"/>", "<text x=\"9\" y=\"9\">none</text>",
        ]
        let page = try await Self.page(contents.enumerated().map { Self.figure($1, id: "f\($0)") }.joined())
        #expect(page.facts.plots.count == contents.count)
        for (index, content) in contents.enumerated() {
            #expect(page.plot("f\(index)")?.marks == 0, "\(content)")
        }
    }

    @Test(
        "An error on the page is seen",
        arguments: [
            "notThere()", "console.error(\"so it is\")", "JSON.parse(\"{\")", "Promise.reject(new Error(\"no\"))",
        ])
    func errors(script: String) async throws {
        let page = try await Self.page("<script>\(script)</script>")
        #expect(!page.console.isEmpty)
    }

    @Test("A blank page is blank")
    func blank() async throws {
        let picture = try #require(try await Self.page("", takesPicture: true).picture)
        #expect(picture.colors == 1)
        #expect(picture.mostFrequentShare == 1)
    }

    @Test(
        "A picture that is none is refused",
        arguments: ["", "GIF89a", "\u{89}PNG\r\n\u{1A}\n", "\u{89}PNG\r\n\u{1A}\n\0\0\0\u{D}IHDR\0\0"])
    func noPicture(content: String) async throws {
        let file = NSTemporaryDirectory() + UUID().uuidString + ".png"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data(content.unicodeScalars.map { UInt8($0.value) }).write(to: URL(fileURLWithPath: file))
        await #expect(throws: (any Error).self) { try await Picture.read(file) }
    }
}
