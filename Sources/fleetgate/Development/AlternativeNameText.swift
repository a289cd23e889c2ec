import FleetPKI
import NIOCore

/// A subject alternative name as it is typed: `DNS:host`, `IP:address`, `URI:…`, `email:…`; without a kind, an address
/// if it is one and else a host name.
enum AlternativeNameText {
    struct Mistake: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    static func parse(_ text: String) throws(Mistake) -> AlternativeName {
        if let colon = text.firstIndex(of: ":") {
            let value = String(text[text.index(after: colon)...])
            switch text[..<colon].lowercased() {
            case "dns": return .dns(try nonEmpty(value, text))
            case "uri": return .uri(try nonEmpty(value, text))
            case "email": return .email(try nonEmpty(value, text))
            case "ip": return .ip(try address(value))
            default: break
            }
        }
        if (try? SocketAddress(ipAddress: text, port: 0)) != nil { return .ip(text) }
        guard !text.isEmpty, text.utf8.allSatisfy(isHostNameByte) else {
            throw Mistake(description: "`\(text)` is not DNS:…, IP:…, URI:… or email:…, nor a host name or address")
        }
        return .dns(text)
    }

    private static func nonEmpty(_ value: String, _ text: String) throws(Mistake) -> String {
        guard !value.isEmpty else { throw Mistake(description: "`\(text)` has nothing after its colon") }
        return value
    }

    private static func address(_ text: String) throws(Mistake) -> String {
        guard (try? SocketAddress(ipAddress: text, port: 0)) != nil else {
            throw Mistake(description: "`\(text)` is not an IP address")
        }
        return text
    }

    private static func isHostNameByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-._*".utf8.contains(byte)
    }
}
