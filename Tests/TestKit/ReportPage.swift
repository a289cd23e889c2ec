internal import Foundation

/// A report of `firmware-sim` as a browser shows it: its plots with what was drawn in them.
public struct ReportPage: Sendable {
    /// One plot of the page.
    public struct Plot: Decodable, Sendable {
        /// The `id` of its figure.
        public let id: String
        public let title: String
        /// Lines, areas, bars and dots that stand for data, are of some size, and are painted.
        public let marks: Int
        /// Of the plot on the page, in CSS pixels.
        public let width: Double
        public let height: Double
    }

    /// The page itself.
    public struct Facts: Decodable, Sendable {
        public let title: String
        public let plots: [Plot]
        /// Its visible text.
        public let text: String
        /// As computed: `rgb(…)`.
        public let background: String
        /// Wider than the window: something does not fit.
        public let overflows: Bool
    }

    public let facts: Facts
    /// Of the page as it is.
    public let console: [String]
    /// Of the page as it is; nil if none was taken, or where there is no Python to decode it.
    public let picture: Picture?

    public func plot(_ id: String) -> Plot? { self.facts.plots.first { $0.id == id } }

    /// Opens the file as it is, for its console and its picture; and a copy that has one more script at its end, which
    /// looks at what was drawn. The copy lacks the policy that would forbid that script.
    public static func open(
        _ file: String, with browser: Browser, in directory: ScratchDirectory, _ scheme: Browser.ColorScheme,
        takesPicture: Bool = true
    ) async throws -> ReportPage {
        let original = try String(contentsOfFile: file, encoding: .utf8)
        let copy = try directory.write("looked-at-\(scheme.rawValue).html", try Self.withProbe(original))
        let probed = try await browser.document(of: copy, in: directory, scheme)
        guard let start = probed.result.range(of: Self.opening),
            let stop = probed.result.range(of: "</script>", range: start.upperBound..<probed.result.endIndex)
        else {
            throw FleetGateProcess.Failure(description: "the page was not looked at: \(probed.console)")
        }
        let facts = try JSONDecoder().decode(
            Facts.self, from: Data(probed.result[start.upperBound..<stop.lowerBound].utf8))
        guard takesPicture else {
            let page = try await browser.document(of: file, in: directory, scheme)
            return ReportPage(facts: facts, console: page.console, picture: nil)
        }
        let picture = try await browser.picture(of: file, in: directory, scheme)
        return ReportPage(
            facts: facts, console: picture.console, picture: try await Picture.read(picture.result))
    }

    private static func withProbe(_ page: String) throws -> String {
        guard let end = page.range(of: "</body>", options: .backwards) else {
            throw FleetGateProcess.Failure(description: "the page has no </body>")
        }
        return page.replacingCharacters(in: end, with: Self.probe + "</body>")
            .replacingOccurrences(
                of: "<meta http-equiv=\"Content-Security-Policy\"[^>]*>", with: "", options: .regularExpression)
    }

    private static let opening = "<script type=\"application/json\" id=\"seen\">"

    /// What stands for data: everything drawn but the frame, stages' bands and keys of legends.
    private static let probe = """
        <script>
        addEventListener("load", () => {
          const data = ".chart path, .chart polyline, .chart rect:not(.band), .chart circle";
          const isPainted = mark => {
            const style = getComputedStyle(mark), box = mark.getBoundingClientRect();
            const paints = [[style.fill, style.fillOpacity], [style.stroke, style.strokeOpacity]];
            return Math.max(box.width, box.height) >= 1 && style.visibility === "visible" && style.opacity !== "0"
              && paints.some(([paint, opacity]) =>
                paint !== "none" && paint !== "rgba(0, 0, 0, 0)" && opacity !== "0");
          };
          const plots = [...document.querySelectorAll("figure:has(.chart)")].map(figure => {
            const box = figure.querySelector(".chart").getBoundingClientRect();
            return {
              id: figure.id, title: figure.querySelector("figcaption")?.innerText ?? "",
              marks: [...figure.querySelectorAll(data)].filter(isPainted).length,
              width: box.width, height: box.height,
            };
          });
          const seen = document.createElement("script");
          seen.type = "application/json";
          seen.id = "seen";
          seen.textContent = JSON.stringify({
            title: document.title, plots, text: document.body.innerText,
            background: getComputedStyle(document.body).backgroundColor,
            overflows: document.documentElement.scrollWidth > innerWidth,
          }).replaceAll("<", "\\\\u003c");
          document.body.append(seen);
        });
        </script>
        """
}
