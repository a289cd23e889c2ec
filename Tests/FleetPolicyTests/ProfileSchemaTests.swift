import FleetPolicy
import Foundation
import TestKit
import Testing
import Yams

/// `DeviceProfiles/device-profile.schema.json` says what the reader of profiles does.
@Suite struct ProfileSchemaTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("DeviceProfiles")

    private static func shipped() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }.sorted()
    }

    private func schema() throws -> SchemaDocument {
        try SchemaDocument(Data(contentsOf: Self.folder.appendingPathComponent("device-profile.schema.json")))
    }

    private func text(_ name: String) throws -> String {
        try String(contentsOf: Self.folder.appendingPathComponent(name), encoding: .utf8)
    }

    @Test func theShippedProfilesFitAndNameIt() throws {
        let schema = try schema()
        let names = try Self.shipped()
        #expect(!names.isEmpty)
        for name in names {
            let yaml = try text(name)
            #expect(try schema.mistakes(in: yaml) == [], "\(name)")
            #expect(yaml.hasPrefix("# yaml-language-server: $schema=device-profile.schema.json\n"), "\(name)")
        }
    }

    @Test func theWholeProfilesOfTheREADMEFit() throws {
        let blocks = try text("README.md").components(separatedBy: "```yaml\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }.filter { $0.contains("profile: ") && ($0.hasPrefix("profile:") || $0.hasPrefix("# ")) }
        #expect(blocks.count >= 6)
        let schema = try schema()
        for block in blocks { #expect(try schema.mistakes(in: block) == [], "\(block)") }
        let shipped = try Self.shipped().map { try sourceNode(try text($0), file: $0) }
        let examples = try blocks.enumerated().map { try sourceNode($1, file: "example\($0).yaml") }
        guard case .failure(let mistakes) = ProfileCompiler.compile(shipped + examples) else { return }
        Issue.record("\(mistakes)")
    }

    /// The same in the language that many have at hand. Left out, and said so, where Python has no jsonschema.
    @Test func pythonsJSONSchemaAgrees() throws {
        let program = """
            import json, sys
            try:
                import jsonschema, yaml
            except ImportError as problem:
                print(f"skipped: {problem}")
                sys.exit(0)
            schema = json.load(open(sys.argv[1] + "/device-profile.schema.json"))
            jsonschema.Draft7Validator.check_schema(schema)
            for name in sys.argv[2:]:
                jsonschema.validate(yaml.safe_load(open(sys.argv[1] + "/" + name)), schema)
            """
        let (status, said) = try Program.wait(
            for: "/usr/bin/env", ["python3", "-c", program, Self.folder.path] + (try Self.shipped()))
        if status == 127 || said.hasPrefix("skipped") {
            print("the schema was not checked with Python: \(said)")
        } else {
            #expect(status == 0, "\(said)")
        }
    }

    // MARK: The keys

    /// A profile around a mapping that may hold an unknown key, which the reader answers with all keys that it knows.
    private static let places: [(path: String, yaml: String)] = [
        ("", "KEY: 1"),
        ("match", "match: { KEY: 1 }"),
        ("match.san", "match: { san: { KEY: 1 } }"),
        ("match.trust-anchor", "match: { trust-anchor: { KEY: 1 } }"),
        ("match.key", "match: { key: { KEY: 1 } }"),
        ("match.key.bits", "match: { key: { bits: { KEY: 1 } } }"),
        ("match.days-left", "match: { days-left: { KEY: 1 } }"),
        ("publish[0]", "publish: [ { KEY: 1 } ]"),
        ("subscribe[0]", "subscribe: [ { KEY: 1 } ]"),
        ("will", "will: { KEY: 1 }"),
        ("will[0]", "will: [ { KEY: 1 } ]"),
        ("registration", "registration: { KEY: 1 }"),
        ("quarantine", "quarantine: { KEY: 1 }"),
        ("limits", "limits: { KEY: 1 }"),
        ("limits.keep-alive", "limits: { keep-alive: { KEY: 1 } }"),
        ("limits.messages", "limits: { messages: { KEY: 1 } }"),
        ("limits.bytes", "limits: { bytes: { KEY: 1 } }"),
        ("limits.connections", "limits: { connections: { KEY: 1 } }"),
    ]

    @Test(arguments: places.map(\.path))
    func theKeysAreThoseOfTheReader(path: String) throws {
        let place = try #require(Self.places.first { $0.path == path })
        // Far from every real key, so that the hint lists them all instead of guessing.
        let unknown = "zzzzzzzzzzzzzzzzzzzz"
        let found = try mistakes(in: place.yaml.replacingOccurrences(of: "KEY", with: unknown)).filter {
            $0.code == .unknownKey && $0.key.hasSuffix(unknown)
        }
        let hint = try #require(found.first?.hint)
        let list = try #require(hint.components(separatedBy: "known here: ").last)
        #expect(Set(try schema().keys(at: path)) == Set(list.components(separatedBy: ", ")))
    }

    @Test func everyObjectOfTheSchemaIsLookedAt() throws {
        // Those whose keys are free names or names of attributes stand apart.
        let free: Set<String> = ["match.subject", "match.issuer", "match.san.directory-name", "match.san.other-name"]
        #expect(Set(try schema().objectPaths()).subtracting(free) == Set(Self.places.map(\.path)))
    }

    @Test(arguments: ["CN", "serialNumber", "organizationIdentifier", "1.3.6.1.4.1.99999.1"])
    func attributesAreTaken(name: String) throws {
        let yaml = "profile: x\nmatch: { subject: { \"\(name)\": \"{v}\" } }\ndevice: \"{v}\"\n"
        #expect(try mistakes(in: yaml) == [])
        #expect(try schema().mistakes(in: yaml) == [])
    }

    // MARK: What does not fit

    /// Both refuse it.
    @Test(arguments: [
        "match: { subject: { cn: x } }", "match: { subject: [x] }", "match: {}", "match: [x]",
        "match: { san: { dsn: x } }", "match: { san: { other-name: { upn: x } } }", "match: { fingerprint: abc }",
        "match: { fingerprint: [] }", "match: { policy: x }", "match: { key: { type: dsa } }",
        "match: { key: { bits: { min: 0 } } }", "match: { days-left: { min: soon } }",
        "match: { tls-version: \"1.1\" }",
        "match: { trust-anchor: { sha256: zz } }", "match: { trust-anchor: {} }", "priority: 1001", "priority: high",
        "client-id: same", "publish: topic", "publish: [ { topic: a, qos: 3 } ]", "publish: [ { qos: 1 } ]",
        "publish: [ { topic: a, shared: true } ]", "subscribe: [ { topic: a, retain: true } ]",
        "deny-publish: [ { topic: a } ]",
        "will: [ [ a ] ]", "topic-prefix: \"{tenant}\"", "second-factor: sms", "registration: closed",
        "registration: { mode: first-seen, quota: 0 }", "registration: { quota: 5 }", "quarantine: { expired: 30d }",
        "quarantine: { profile: rescue, expired: thirty }", "limits: { packet-bytes: 64kB }",
        "limits: { keep-alive: { min: 5 } }", "limits: { receive-maximum: 0 }", "limits: { connections: { max: 101 } }",
        "limits: { messages: { per-second: 0 } }", "limits: { messages: { on-exceeded: drop } }",
        "limits: { connections: { on-exceeded: throttle } }", "on-denied-publish: ignore", "on-lost-subscription: keep",
        "abstract: \"true\"", "profile: Upper",
    ])
    func theSchemaAndTheReaderBothRefuse(line: String) throws {
        let key = line.prefix { $0 != ":" }
        let lines = [
            "profile: x", "match: { subject: { CN: \"x-{n:digits}\" } }", "device: \"x-{n}\"",
        ].filter { !$0.hasPrefix("\(key):") }
        let yaml = (lines + [line]).joined(separator: "\n")
        #expect(try !schema().mistakes(in: yaml).isEmpty)
        #expect(try !mistakes(in: yaml).isEmpty)
    }

    @Test func whatIsMissingDoesNotFit() throws {
        for yaml in [
            "profile: x", "match: { subject: { CN: \"{n}\" } }\ndevice: \"{n}\"", "profile: x\nabstract: false", "[]",
            "x",
        ] {
            #expect(try !schema().mistakes(in: yaml).isEmpty, "\(yaml)")
            #expect(try !mistakes(in: yaml).isEmpty, "\(yaml)")
        }
        #expect(try schema().mistakes(in: "profile: x\nabstract: true") == [])
    }
}

/// As much of JSON Schema (draft 7) as our schema uses.
private struct SchemaDocument {
    private let root: [String: Any]

    init(_ data: Data) throws {
        root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    func mistakes(in yaml: String) throws -> [String] {
        let node = try #require(try Yams.compose(yaml: yaml))
        return try mistakes(node, root, at: "")
    }

    private func resolved(_ schema: [String: Any]) throws -> [String: Any] {
        guard let reference = schema["$ref"] as? String else { return schema }
        let name = try #require(reference.components(separatedBy: "#/definitions/").last)
        let definitions = try #require(root["definitions"] as? [String: Any])
        return try resolved(try #require(definitions[name] as? [String: Any], "\(reference)"))
    }

    private func mistakes(_ node: Node, _ unresolved: [String: Any], at path: String) throws -> [String] {
        let schema = try resolved(unresolved)
        let known: Set<String> = [
            "$schema", "$id", "title", "description", "default", "definitions", "type", "properties",
            "patternProperties",
            "additionalProperties", "required", "minProperties", "items", "minItems", "maxItems", "enum", "const",
            "pattern", "minLength", "maxLength", "minimum", "maximum", "oneOf", "anyOf", "allOf", "if", "else",
        ]
        var found: [String] = Set(schema.keys).subtracting(known).map { "\(path): the test does not know \($0)" }
        func fail(_ what: String) { found.append("\(path): \(what)") }
        func all(_ key: String) -> [[String: Any]] { schema[key] as? [[String: Any]] ?? [] }
        func fitting(_ key: String) throws -> Int { try all(key).count { try mistakes(node, $0, at: path).isEmpty } }
        if let type = schema["type"], !(type as? [String] ?? [type as? String ?? ""]).contains(where: node.isOf) {
            fail("is not \(type)")
        }
        for part in all("allOf") { found += try mistakes(node, part, at: path) }
        if schema["oneOf"] != nil, try fitting("oneOf") != 1 { fail("fits none or several of oneOf") }
        if schema["anyOf"] != nil, try fitting("anyOf") == 0 { fail("fits none of anyOf") }
        if let condition = schema["if"] as? [String: Any], let other = schema["else"] as? [String: Any],
            try !mistakes(node, condition, at: path).isEmpty
        {
            found += try mistakes(node, other, at: path)
        }
        if let values = schema["enum"] as? [String], !values.contains(node.string ?? "") { fail("is not in enum") }
        if let wanted = schema["const"] as? Bool, node.bool != wanted { fail("is not \(wanted)") }
        switch node {
        case .scalar:
            found += try scalarMistakes(node, schema, at: path)
        case .sequence(let items):
            if items.count < schema["minItems"] as? Int ?? 0 { fail("has too few items") }
            if items.count > schema["maxItems"] as? Int ?? .max { fail("has too many items") }
            for (index, item) in items.enumerated() {
                if let schema = schema["items"] as? [String: Any] {
                    found += try mistakes(item, schema, at: "\(path)[\(index)]")
                }
            }
        case .mapping(let mapping):
            let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
            let patterns = schema["patternProperties"] as? [String: [String: Any]] ?? [:]
            if mapping.count < schema["minProperties"] as? Int ?? 0 { fail("is empty") }
            for key in schema["required"] as? [String] ?? [] where mapping[key] == nil { fail("\(key) is missing") }
            for (key, value) in mapping {
                let name = key.string ?? ""
                let pattern = patterns.first { name.range(of: $0.key, options: .regularExpression) != nil }?.value
                if let schema = properties[name] ?? pattern {
                    found += try mistakes(value, schema, at: "\(path).\(name)")
                } else if schema["additionalProperties"] as? Bool == false {
                    fail("\(name) is unknown")
                }
            }
        case .alias:
            fail("is an alias")
        }
        return found
    }

    private func scalarMistakes(_ node: Node, _ schema: [String: Any], at path: String) throws -> [String] {
        var found: [String] = []
        if let number = node.int {
            if number < schema["minimum"] as? Int ?? .min { found.append("\(path): too small") }
            if number > schema["maximum"] as? Int ?? .max { found.append("\(path): too large") }
        }
        guard node.isOf("string"), let text = node.string else { return found }
        if text.count < schema["minLength"] as? Int ?? 0 { found.append("\(path): too short") }
        if text.count > schema["maxLength"] as? Int ?? .max { found.append("\(path): too long") }
        if let pattern = schema["pattern"] as? String, text.range(of: pattern, options: .regularExpression) == nil {
            found.append("\(path): does not match \(pattern)")
        }
        return found
    }

    // MARK: Its own keys

    func keys(at path: String) throws -> [String] {
        try #require(try objects().first { $0.path == path }?.keys)
    }

    func objectPaths() throws -> [String] { try objects().map(\.path) }

    /// Every mapping that the schema describes, by the path of a document's mistakes.
    private func objects() throws -> [(path: String, keys: [String])] {
        var found: [(path: String, keys: [String])] = []
        try collect(root, path: "", into: &found)
        return found
    }

    private func collect(_ unresolved: [String: Any], path: String, into found: inout [(path: String, keys: [String])])
        throws
    {
        let schema = try resolved(unresolved)
        for key in ["allOf", "oneOf"] {
            for part in schema[key] as? [[String: Any]] ?? [] { try collect(part, path: path, into: &found) }
        }
        if let items = schema["items"] as? [String: Any] { try collect(items, path: path + "[0]", into: &found) }
        guard let properties = schema["properties"] as? [String: [String: Any]] else { return }
        found.append((path, properties.keys.sorted()))
        guard schema["patternProperties"] == nil else { return }
        for (key, value) in properties.sorted(by: { $0.key < $1.key }) {
            try collect(value, path: path.isEmpty ? key : "\(path).\(key)", into: &found)
        }
    }
}

extension Node {
    /// Whether the value is of a type of JSON, as a YAML parser for JSON Schema takes it.
    fileprivate func isOf(_ type: String) -> Bool {
        switch self {
        case .mapping: type == "object"
        case .sequence: type == "array"
        case .alias: false
        case .scalar(let scalar):
            switch type {
            case "integer": scalar.style == .plain && int != nil
            case "boolean": scalar.style == .plain && bool != nil
            case "string": scalar.style != .plain || (int == nil && bool == nil && float == nil)
            case _: false
            }
        }
    }
}
