import SwiftASN1
import X509

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One subject alternative name (RFC 5280 section 4.2.1.6).
public enum AlternativeName: Sendable, Hashable {
    /// A DNS name in ASCII (internationalised names as A-labels).
    case dns(String)
    /// An IPv4 or IPv6 address in its usual text form.
    case ip(String)
    /// A URI in ASCII, for example `urn:dev:mac:0024befffe804ff1` or a SPIFFE id.
    case uri(String)
    /// An e-mail address in ASCII.
    case email(String)

    func generalName() throws(PKIError) -> GeneralName {
        switch self {
        case .dns(let name):
            return .dnsName(try self.ascii(name))
        case .uri(let uri):
            return .uniformResourceIdentifier(try self.ascii(uri))
        case .email(let address):
            return .rfc822Name(try self.ascii(address))
        case .ip(let text):
            guard let octets = IPAddressText.octets(of: text) else {
                throw PKIError(
                    code: .invalidAlternativeName,
                    message: "\"\(text.prefix(64))\" is not an IPv4 or IPv6 address"
                )
            }
            return .ipAddress(ASN1OctetString(contentBytes: octets[...]))
        }
    }

    private func ascii(_ text: String) throws(PKIError) -> String {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw PKIError(
                code: .invalidAlternativeName,
                message: "an alternative name is empty or has characters other than printable ASCII"
            )
        }
        return text
    }
}

/// IP addresses between text and octets in network order.
enum IPAddressText {
    /// 4 or 16 octets; nil when the text is not an address.
    static func octets(of text: String) -> [UInt8]? {
        guard !text.utf8.contains(0) else { return nil }
        var octets = [UInt8](repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET, text, &octets) == 1 {
            return Array(octets.prefix(4))
        }
        if unsafe inet_pton(AF_INET6, text, &octets) == 1 {
            return octets
        }
        return nil
    }

    /// The usual text form; nil when there are neither 4 nor 16 octets.
    static func text(of octets: [UInt8]) -> String? {
        let family: Int32
        switch octets.count {
        case 4: family = AF_INET
        case 16: family = AF_INET6
        default: return nil
        }
        // INET6_ADDRSTRLEN, which has room for both kinds.
        var buffer = [CChar](repeating: 0, count: 46)
        guard unsafe inet_ntop(family, octets, &buffer, socklen_t(buffer.count)) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
