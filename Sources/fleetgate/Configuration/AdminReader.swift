import AdminAPI
import FleetPolicy
import Foundation
import Gateway

/// Reads the section `admin`.
enum AdminReader {
    private static let defaultPort = 9464

    /// Beside the configuration.
    private static let defaultSocket = "admin.sock"

    /// Without the section: on, on loopback.
    static func defaultSettings(
        _ configuration: ConfigurationReader, at location: SourceLocation
    ) -> AdminSettings? {
        guard let socket = defaultSocket(configuration, at: location) else { return nil }
        return defaultAddress.map { AdminSettings(address: $0, socket: socket) }
    }

    static func read(_ reader: inout MappingReader, _ configuration: ConfigurationReader) -> AdminSettings? {
        let isEnabled = reader.bool("enabled") ?? true
        let allowsNonLoopback = reader.bool("allow-non-loopback") ?? false
        let written = reader.text("listen").map {
            address($0, allowsNonLoopback: allowsNonLoopback, reporting: reader.mistakes)
        }
        let socket =
            reader.text("socket").map { self.socket(configuration.resolved($0), reporting: reader.mistakes) }
            ?? defaultSocket(configuration, at: reader.location)
        guard let socket else { return nil }
        guard isEnabled else { return AdminSettings(address: nil, socket: socket) }
        return (written ?? defaultAddress).map { AdminSettings(address: $0, socket: socket) }
    }

    private static var defaultAddress: AdminAddress? { try? AdminAddress(host: "127.0.0.1", port: defaultPort) }

    private static func defaultSocket(
        _ configuration: ConfigurationReader, at location: SourceLocation
    ) -> String? {
        socket(
            Located(configuration.resolved(defaultSocket), location: location, key: "admin.socket"),
            reporting: configuration.mistakes)
    }

    private static func socket(_ path: Located<String>, reporting mistakes: MistakeCollector) -> String? {
        do {
            _ = try UpstreamAddress(parsing: "unix:\(URL(fileURLWithPath: path.value).path)")
            return path.value
        } catch {
            mistakes.report(
                .badValue, at: path.location, key: path.key, "`\(path.value)`: \(error)",
                hint: "give a shorter path in admin.socket")
            return nil
        }
    }

    private static func address(
        _ listen: Located<String>, allowsNonLoopback: Bool, reporting mistakes: MistakeCollector
    ) -> AdminAddress? {
        guard let (host, port) = HostAndPort.split(listen.value) else {
            mistakes.report(
                .badValue, at: listen.location, key: listen.key, "`\(listen.value)` is not an address and a port",
                hint: "such as 127.0.0.1:9464 or \"[::1]:9464\"")
            return nil
        }
        do {
            return try AdminAddress(host: host, port: port, allowsNonLoopback: allowsNonLoopback)
        } catch {
            let hint: String? =
                switch error.reason {
                case .notLoopback: "or admin.allow-non-loopback: true, where a firewall or proxy guards it"
                case .notAnAddress, .invalidPort, .cannotListen: nil
                }
            mistakes.report(.badValue, at: listen.location, key: listen.key, error.description, hint: hint)
            return nil
        }
    }
}

/// `address:port`, with an IPv6 address in brackets.
enum HostAndPort {
    static func split(_ text: String) -> (host: String, port: Int)? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.count <= 5, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(digits), port <= 65_535
        else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        return host.isEmpty ? nil : (String(host), port)
    }
}
