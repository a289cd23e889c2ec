/// A strict reader of Prometheus' text format 0.0.4, written from the format's description and not from the code
/// under test: anything it does not know is an error.
struct TextFormatParser {
    struct Failure: Error, CustomStringConvertible {
        let line: Int
        let problem: String
        var description: String { "line \(line): \(problem)" }
    }

    struct Sample: Equatable {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Family: Equatable {
        var type: String
        var help: String?
        var samples: [Sample] = []
    }

    private(set) var families: [String: Family] = [:]
    private(set) var order: [String] = []

    init(_ text: String) throws {
        guard text.isEmpty || text.last == "\n" else {
            throw Failure(line: 0, problem: "the last line has no line feed")
        }
        var current = ""
        var pendingHelp: (name: String, text: String)?
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        for (index, line) in lines.enumerated() {
            func fail(_ problem: String) -> Failure { Failure(line: index + 1, problem: "\(problem): \(line)") }
            if line.hasPrefix("# HELP ") {
                let rest = line.dropFirst("# HELP ".count)
                let name = rest.prefix { $0 != " " }
                guard Self.isMetricName(name), pendingHelp == nil else { throw fail("HELP") }
                pendingHelp = (String(name), try Self.unescape(rest.dropFirst(name.count + 1), quoted: false))
            } else if line.hasPrefix("# TYPE ") {
                let words = line.dropFirst("# TYPE ".count).split(separator: " ", omittingEmptySubsequences: false)
                guard words.count == 2, Self.isMetricName(words[0]),
                    ["counter", "gauge", "histogram"].contains(words[1])
                else { throw fail("TYPE") }
                current = String(words[0])
                guard families[current] == nil else { throw fail("family twice") }
                guard pendingHelp == nil || pendingHelp?.name == current else { throw fail("HELP of another") }
                families[current] = Family(type: String(words[1]), help: pendingHelp?.text)
                order.append(current)
                pendingHelp = nil
            } else {
                let sample = try Self.sample(line, fail: fail)
                let suffixes = families[current]?.type == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
                guard suffixes.contains(where: { current + $0 == sample.name }) else {
                    throw fail("outside its family")
                }
                let isRepeated = families[current]?.samples.contains {
                    $0.name == sample.name && $0.labels == sample.labels
                }
                guard isRepeated == false else { throw fail("series twice") }
                families[current]?.samples.append(sample)
            }
        }
        for (name, family) in families where family.type == "histogram" {
            try Self.checkHistogram(name, family)
        }
    }

    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        families.values.lazy.flatMap(\.samples).first { $0.name == name && $0.labels == labels }?.value
    }

    private static func sample(_ line: Substring, fail: (String) -> Failure) throws -> Sample {
        var rest = line
        let name = rest.prefix { $0 != "{" && $0 != " " }
        guard isMetricName(name) else { throw fail("name") }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let label = rest.prefix { $0 != "=" }
                guard isLabelName(label) else { throw fail("label name") }
                rest = rest.dropFirst(label.count)
                guard rest.hasPrefix("=\"") else { throw fail("label value") }
                rest = rest.dropFirst(2)
                var raw = ""
                while let character = rest.first, character != "\"" {
                    raw.append(character)
                    rest = rest.dropFirst()
                    if character == "\\", let escaped = rest.first {
                        raw.append(escaped)
                        rest = rest.dropFirst()
                    }
                }
                guard rest.first == "\"" else { throw fail("unclosed label value") }
                rest = rest.dropFirst()
                guard labels.updateValue(try unescape(Substring(raw), quoted: true), forKey: String(label)) == nil
                else {
                    throw fail("label twice")
                }
                if rest.first == "," { rest = rest.dropFirst() } else if rest.first != "}" { throw fail("separator") }
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " ", let value = number(rest.dropFirst()) else { throw fail("value") }
        return Sample(name: String(name), labels: labels, value: value)
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: text.allSatisfy { "0123456789.eE+-".contains($0) } ? Double(text) : nil
        }
    }

    private static func unescape(_ text: Substring, quoted: Bool) throws -> String {
        var result = ""
        var iterator = text.makeIterator()
        while let character = iterator.next() {
            guard character == "\\" else {
                result.append(character)
                continue
            }
            switch iterator.next() {
            case "\\": result.append("\\")
            case "n": result.append("\n")
            case "\"" where quoted: result.append("\"")
            case let other: throw Failure(line: 0, problem: "escape \(String(describing: other))")
            }
        }
        return result
    }

    private static func checkHistogram(_ name: String, _ family: Family) throws {
        let buckets = family.samples.filter { $0.name == name + "_bucket" }
        let groups = Dictionary(grouping: buckets) { $0.labels.filter { $0.key != "le" } }
        for (labels, buckets) in groups {
            let bounds = buckets.compactMap { $0.labels["le"].flatMap { number(Substring($0)) } }
            guard bounds.count == buckets.count, bounds == bounds.sorted(), bounds.last == .infinity else {
                throw Failure(line: 0, problem: "bounds of \(name): \(bounds)")
            }
            let counts = buckets.map(\.value)
            let count = family.samples.first { $0.name == name + "_count" && $0.labels == labels }?.value
            guard counts == counts.sorted(), counts.last == count,
                family.samples.contains(where: { $0.name == name + "_sum" && $0.labels == labels })
            else { throw Failure(line: 0, problem: "counts of \(name): \(counts), \(String(describing: count))") }
        }
    }

    private static func isMetricName(_ name: Substring) -> Bool {
        isName(name, extra: "_:")
    }

    private static func isLabelName(_ name: Substring) -> Bool {
        isName(name, extra: "_") && !name.hasPrefix("__")
    }

    private static func isName(_ name: Substring, extra: String) -> Bool {
        guard let first = name.first, !("0"..."9").contains(first) else { return false }
        return name.allSatisfy { ($0.isASCII && ($0.isLetter || $0.isNumber)) || extra.contains($0) }
    }
}
