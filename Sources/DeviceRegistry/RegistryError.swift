/// Why the registry did not do what it was asked to.
public struct RegistryError: Error, Sendable, Hashable, Codable {
    /// Stable, for tools and exit codes.
    public enum Code: String, Sendable, Hashable, CaseIterable, Codable {
        /// The command is wrong in itself; ``RegistryError/mistakes`` says where. The caller's fault.
        case invalidCommand = "invalid-command"
        /// There is no such device. The caller's fault.
        case notFound = "not-found"
        /// The device is already registered. The caller's fault.
        case alreadyExists = "already-exists"
        /// The device's state does not allow it, such as approving a retired one. The caller's fault.
        case wrongState = "wrong-state"
        /// The pin belongs to another device, which the message names. The caller's fault.
        case pinTaken = "pin-taken"
        /// The device has as many pins as a device may have. The caller's fault.
        case tooManyPins = "too-many-pins"
        /// The device has no such pin. The caller's fault.
        case pinNotFound = "pin-not-found"
        /// At least one row of an import is wrong, and nothing was changed. The caller's fault.
        case importRefused = "import-refused"
        /// The database is of a newer version of FleetGate. The operator's fault.
        case newerSchema = "newer-schema"
        /// The database cannot be opened, read or written; the message says why.
        case storeFailed = "store-failed"
        /// Another process holds the database locked for too long.
        case storeBusy = "store-busy"
        /// Too much is waiting already.
        case overloaded = "overloaded"
    }

    public let code: Code
    /// For the operator; never for a device. Values from outside are escaped; no secrets.
    public let message: String
    /// Everything wrong at once, at most ``mistakesMax``; empty when the message says it all.
    public let mistakes: [RegistryMistake]
    /// How many there are, also of those that are not listed.
    public let mistakeCount: Int

    /// Mistakes that are kept: more than anybody reads, and a bound on what a hostile import makes us remember.
    public static let mistakesMax = 1_000

    public init(_ code: Code, _ message: String, mistakes: [RegistryMistake] = [], mistakeCount: Int? = nil) {
        self.code = code
        self.message = message
        self.mistakes = Array(mistakes.prefix(Self.mistakesMax))
        self.mistakeCount = mistakeCount ?? mistakes.count
    }
}

extension RegistryError: CustomStringConvertible {
    /// The code and the message, and one more line for each mistake that is kept.
    public var description: String {
        (["\(code.rawValue): \(message)"] + mistakes.map(\.description)).joined(separator: "\n")
    }
}

/// One thing that is wrong in a command or a row of an import.
public struct RegistryMistake: Sendable, Hashable, Codable {
    /// Of an import: the line where the row begins, counted from 1. Nil in other commands.
    public let line: Int?
    /// The part, in the words of imports: `device`, `state`, `pin.2`, `attribute.site`; empty: the whole.
    public let field: String
    /// What is wrong, escaped.
    public let message: String

    public init(line: Int? = nil, field: String, message: String) {
        self.line = line
        self.field = field
        self.message = message
    }
}

extension RegistryMistake: CustomStringConvertible {
    /// `line 7: pin.2: is given twice`
    public var description: String {
        var text = line.map { "line \($0): " } ?? ""
        if !field.isEmpty { text += "\(field): " }
        return text + message
    }
}
