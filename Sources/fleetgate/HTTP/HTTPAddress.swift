import Foundation
import NIOCore

/// An address with http or https, taken apart: what can be asked for. What a certificate names is read with it, so it
/// takes only what every part of it is needed for.
///
/// There is no user information, no fragment, and no host name that is not ASCII.
struct HTTPAddress: Sendable, Hashable, CustomStringConvertible {
    enum Scheme: String, Sendable, Hashable {
        case http, https

        var port: Int {
            switch self {
            case .http: 80
            case .https: 443
            }
        }
    }

    /// In bytes. Distribution points of public CAs have less than 100; LDAP-like paths of company CAs some hundreds.
    static let bytesMax = 2048
    /// RFC 1035 section 2.3.4.
    private static let hostBytesMax = 253

    let scheme: Scheme
    /// A name in lower case, or an IP address; of IPv6 without its brackets.
    let host: String
    let port: Int
    /// Path and query, beginning with a slash, as they go into the request line.
    let target: String

    /// - Throws: ``HTTPFetchError`` `bad-address`.
    init(_ text: String) throws(HTTPFetchError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw HTTPFetchError(.badAddress, "the address has more than \(Self.bytesMax) bytes")
        }
        // Blanks and control characters would break the request's lines.
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw HTTPFetchError(.badAddress, "the address has a character that an address cannot have")
        }
        guard let separator = text.range(of: "://"),
            let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased())
        else { throw HTTPFetchError(.badAddress, "the address does not begin with http:// or https://") }
        let rest = text[separator.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@"), let place = Self.place(authority, scheme) else {
            throw HTTPFetchError(.badAddress, "the address has no usable host and port")
        }
        let target = rest[authority.endIndex...]
        self.scheme = scheme
        (host, port) = place
        self.target = target.first == "/" ? String(target) : "/" + target
    }

    /// What a redirection leads to (RFC 9110 section 10.2.2).
    ///
    /// - Throws: ``HTTPFetchError`` `bad-address`.
    func following(_ location: String) throws(HTTPFetchError) -> HTTPAddress {
        if location.hasPrefix("//") { return try HTTPAddress("\(scheme.rawValue):\(location)") }
        if location.hasPrefix("/") { return try HTTPAddress(origin + location) }
        // Anything else relative is rare, and is resolved by rules that implementations do not agree on.
        return try HTTPAddress(location)
    }

    /// What the Host field says (RFC 9110 section 7.2).
    var authority: String {
        let host = isIPv6 ? "[\(host)]" : host
        return port == scheme.port ? host : "\(host):\(port)"
    }

    var origin: String { "\(scheme.rawValue)://\(authority)" }

    var description: String { origin + target }

    private var isIPv6: Bool { host.contains(":") }

    private static func place(_ authority: Substring, _ scheme: Scheme) -> (host: String, port: Int)? {
        var host = authority
        var portText: Substring?
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let behind = authority[authority.index(after: end)...]
            guard behind.isEmpty || behind.first == ":" else { return nil }
            portText = behind.isEmpty ? nil : behind.dropFirst()
            guard (try? SocketAddress(ipAddress: String(host), port: 0))?.protocol == .inet6 else { return nil }
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            portText = authority[authority.index(after: colon)...]
        }
        guard !host.isEmpty, host.utf8.count <= hostBytesMax, host.utf8.allSatisfy(isHostByte) else { return nil }
        guard let portText else { return (host.lowercased(), scheme.port) }
        guard portText.utf8.count <= 5, portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(portText), (1...65_535).contains(port)
        else { return nil }
        return (host.lowercased(), port)
    }

    /// Underscores are in names that companies use within.
    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: ":"):
            true
        case _: false
        }
    }
}
