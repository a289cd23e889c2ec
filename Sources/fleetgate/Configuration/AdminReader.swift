import AdminAPI
import FleetPolicy

/// Reads the section `admin`.
enum AdminReader {
    private static let defaultPort = 9464

    /// Without the section: on, on loopback.
    static var defaultSettings: AdminSettings? {
        (try? AdminAddress(host: "127.0.0.1", port: defaultPort)).map { AdminSettings(address: $0) }
    }

    static func read(_ reader: inout MappingReader) -> AdminSettings? {
        let isEnabled = reader.bool("enabled") ?? true
        let allowsNonLoopback = reader.bool("allow-non-loopback") ?? false
        let settings = reader.text("listen").map {
            address($0, allowsNonLoopback: allowsNonLoopback, reporting: reader.mistakes).map {
                AdminSettings(address: $0)
            }
        }
        return isEnabled ? settings ?? defaultSettings : AdminSettings(address: nil)
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
