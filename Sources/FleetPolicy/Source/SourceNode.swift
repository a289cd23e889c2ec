/// A place in a file that an operator wrote: what an error message points at.
public struct SourceLocation: Sendable, Hashable, Comparable, Codable {
    /// The file as the operator named it; shown, never opened.
    public let file: String
    /// Line, counted from 1.
    public let line: Int
    /// Column, counted from 1.
    public let column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    public static func < (left: SourceLocation, right: SourceLocation) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }
}

extension SourceLocation: CustomStringConvertible {
    public var description: String { "\(file):\(line):\(column)" }
}

/// A document that an operator wrote (a device profile, a configuration file), as a tree that remembers its places.
///
/// Reading a file into this tree is the business of whoever knows the file format; what the values mean is decided
/// by the reader (`MappingReader`), so scalars stay text here. A null is an unquoted scalar: empty, `~` or `null`.
public indirect enum SourceNode: Sendable {
    case scalar(String, quoted: Bool, SourceLocation)
    case sequence([SourceNode], SourceLocation)
    /// Entries in the order of the file, duplicates included: that they are a mistake is said by the reader.
    case mapping([(key: String, keyLocation: SourceLocation, value: SourceNode)], SourceLocation)

    public var location: SourceLocation {
        switch self {
        case .scalar(_, _, let location): location
        case .sequence(_, let location): location
        case .mapping(_, let location): location
        }
    }

    /// Whether the operator left the value out (`key:`) or wrote a null.
    public var isNull: Bool {
        switch self {
        case .scalar(let text, let quoted, _): !quoted && ["", "~", "null", "Null", "NULL"].contains(text)
        case .sequence, .mapping: false
        }
    }

    /// What this is, in the words of an error message.
    var kind: String {
        switch self {
        case .scalar: isNull ? "nothing" : "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

/// A value together with where the operator wrote it, for mistakes that are found later than at reading.
public struct Located<Value: Sendable>: Sendable {
    public let value: Value
    public let location: SourceLocation
    /// The dotted path of the key, such as `publish[2].topic`.
    public let key: String

    public init(_ value: Value, location: SourceLocation, key: String) {
        self.value = value
        self.location = location
        self.key = key
    }
}
