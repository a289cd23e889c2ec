import Foundation
import Testing
import Yams

/// As much of JSON Schema (draft 7) as our schemas use.
struct SchemaDocument {
    private let root: [String: Any]

    init(_ data: Data) throws {
        root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    func mistakes(in yaml: String) throws -> [String] {
        try mistakes(try #require(try Yams.compose(yaml: yaml)), root, at: "")
    }

    private func resolved(_ schema: [String: Any]) throws -> [String: Any] {
        guard let reference = schema["$ref"] as? String else { return schema }
        let name = try #require(reference.components(separatedBy: "#/definitions/").last)
        let definitions = try #require(root["definitions"] as? [String: Any])
        return try resolved(try #require(definitions[name] as? [String: Any], "\(reference)"))
    }

    private static let knownKeywords: Set<String> = [
        "$schema", "$id", "title", "description", "definitions", "type", "properties", "patternProperties",
        "additionalProperties", "required", "items", "minItems", "maxItems", "enum", "pattern", "minLength",
        "maxLength", "minimum", "maximum", "oneOf", "anyOf", "allOf", "not",
    ]

    private func mistakes(_ node: Node, _ unresolved: [String: Any], at path: String) throws -> [String] {
        let schema = try resolved(unresolved)
        var found = Set(schema.keys).subtracting(Self.knownKeywords).map { "\(path): the test does not know \($0)" }
        func fail(_ what: String) { found.append("\(path): \(what)") }
        func all(_ key: String) -> [[String: Any]] { schema[key] as? [[String: Any]] ?? [] }
        func fitting(_ key: String) throws -> Int { try all(key).count { try mistakes(node, $0, at: path).isEmpty } }
        if let type = schema["type"] as? String, !node.isOf(type) { fail("is not \(type)") }
        for part in all("allOf") { found += try mistakes(node, part, at: path) }
        if schema["oneOf"] != nil, try fitting("oneOf") != 1 { fail("fits none or several of oneOf") }
        if schema["anyOf"] != nil, try fitting("anyOf") == 0 { fail("fits none of anyOf") }
        if let other = schema["not"] as? [String: Any], try mistakes(node, other, at: path).isEmpty {
            fail("fits what it must not")
        }
        if let values = schema["enum"] as? [Any], !values.contains(where: { node.equals($0) }) {
            fail("is not in enum")
        }
        switch node {
        case .scalar:
            found += scalarMistakes(node, schema, at: path)
        case .sequence(let items):
            if items.count < schema["minItems"] as? Int ?? 0 { fail("has too few items") }
            if items.count > schema["maxItems"] as? Int ?? .max { fail("has too many items") }
            guard let schema = schema["items"] as? [String: Any] else { break }
            for (index, item) in items.enumerated() { found += try mistakes(item, schema, at: "\(path)[\(index)]") }
        case .mapping(let mapping):
            let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
            let patterns = schema["patternProperties"] as? [String: [String: Any]] ?? [:]
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

    private func scalarMistakes(_ node: Node, _ schema: [String: Any], at path: String) -> [String] {
        var found: [String] = []
        if let number = node.float {
            if number < schema["minimum"] as? Double ?? -.infinity { found.append("\(path): too small") }
            if number > schema["maximum"] as? Double ?? .infinity { found.append("\(path): too large") }
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
        Array(try #require(try objects().first { $0.path == path }?.properties.keys))
    }

    func objectPaths() throws -> [String] { try objects().map(\.path) }

    /// The texts of the enum at that path, which ends in a key.
    func values(at path: String) throws -> [String] {
        let dot = try #require(path.lastIndex(of: "."))
        let object = try #require(try objects().first { $0.path == path[..<dot] })
        let property = try #require(object.properties[String(path[path.index(after: dot)...])])
        return try #require(try resolved(property)["enum"] as? [String])
    }

    private typealias Object = (path: String, properties: [String: [String: Any]])

    /// Every mapping that the schema describes, by the path of a file's keys; `*` where keys are free.
    private func objects() throws -> [Object] {
        var found: [Object] = []
        try collect(root, path: "", into: &found)
        return found
    }

    private func collect(_ unresolved: [String: Any], path: String, into found: inout [Object]) throws {
        let schema = try resolved(unresolved)
        for key in ["allOf", "oneOf", "anyOf"] {
            for part in schema[key] as? [[String: Any]] ?? [] { try collect(part, path: path, into: &found) }
        }
        if let items = schema["items"] as? [String: Any] { try collect(items, path: path + "[0]", into: &found) }
        for value in (schema["patternProperties"] as? [String: [String: Any]] ?? [:]).values {
            try collect(value, path: path + ".*", into: &found)
        }
        guard let properties = schema["properties"] as? [String: [String: Any]] else { return }
        found.append((path, properties))
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
            case "number": scalar.style == .plain && float != nil
            case "boolean": scalar.style == .plain && bool != nil
            case "string": scalar.style != .plain || (int == nil && bool == nil && float == nil)
            case _: false
            }
        }
    }

    fileprivate func equals(_ value: Any) -> Bool {
        if isOf("string") { return string == value as? String }
        return isOf("number") && !(value is String) && float == (value as? NSNumber)?.doubleValue
    }
}
