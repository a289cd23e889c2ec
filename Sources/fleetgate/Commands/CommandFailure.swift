import ArgumentParser
import Foundation

/// Ends a command with its message on standard error and exit status 1.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// What ends a command, in words for the operator.
enum FailureText {
    /// `fleetgate: …`, without what SwiftNIO puts around the system's words: `bind(descriptor:ptr:bytes:): ` before
    /// them and `) (errno: 98)` behind them.
    static func text(of error: any Error) -> String {
        let text = "\(error)"
            .replacing(#/\b\w+\((?:\w+:)*\): /#, with: "")
            .replacing(#/\)? \(errno: \d+\)/#, with: "")
        return LogText.visible("fleetgate: \(text)")
    }
}

enum Terminal {
    /// For what is not the command's result: mistakes, warnings.
    static func printError(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
    }
}

enum JSONText {
    /// A value as JSON for other programs: keys in a fixed order.
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

/// One argument as a shell takes it back: in quotes where it needs them.
func shellQuoted(_ argument: String) -> String {
    let isPlain =
        !argument.isEmpty
        && argument.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-._/:=@%+,".utf8.contains(byte)
        }
    return isPlain
        ? argument
        : "'" + argument.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}
