import FleetPKI
import Foundation
import Testing

@testable import NIOMbedTLS

/// Files of certificates, good ones and above all bad ones.
@Suite("certificate file")
struct CertificateFileTests {
    /// A file's text, made from the PEM of a device and that of a root, and what is in it, by subject.
    struct File: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let subjects: [String]
        let make: @Sendable (_ device: String, _ root: String) -> [UInt8]

        init(
            _ name: String, _ subjects: [String] = [], _ make: @escaping @Sendable (String, String) -> String
        ) {
            (self.testDescription, self.subjects, self.make) = (name, subjects, { Array(make($0, $1).utf8) })
        }
    }

    private static let device = "CN=meter-17,OU=meters,O=Example"
    private static let root = "CN=Test Root"
    private static let key = "-----BEGIN PRIVATE KEY-----\nnot looked at\n-----END PRIVATE KEY-----\n"

    static let good: [File] = [
        File("one", [device]) { device, _ in device },
        File("a chain, in its order", [device, root]) { $0 + $1 },
        File("the other order", [root, device]) { $1 + $0 },
        File("CRLF", [device, root]) { ($0 + $1).replacing("\n", with: "\r\n") },
        File("CR", [device, root]) { ($0 + $1).replacing("\n", with: "\r") },
        File("no end of line at the end", [device]) { device, _ in String(device.dropLast()) },
        File("text around, even dashes", [device, root]) {
            "Bag Attributes\n    friendlyName: é\nsubject=CN = x\n" + $0 + "-----\n0 more\n----- BEGIN -----\n" + $1
                + "end"
        },
        File("a key before and after", [device]) { device, _ in Self.key + device + Self.key },
        File("a byte order mark", [device]) { device, _ in "\u{FEFF}" + device },
        File("indented, with blank lines", [device]) { device, _ in
            device.split(separator: "\n").map { " \t\($0) \t\n\n" }.joined()
        },
        File("one long line", [device]) { device, _ in
            let lines = device.split(separator: "\n")
            return "\(lines[0])\n\(lines[1..<lines.count - 1].joined())\n\(lines[lines.count - 1])"
        },
    ]

    static let bad: [File] = [
        File("nothing") { _, _ in "" },
        File("blank lines") { _, _ in "\n\r\n  \n" },
        File("text") { _, _ in "hello" },
        File("text that begins with the byte of a SEQUENCE") { _, _ in "0x30" },
        File("a key alone") { _, _ in Self.key },
        File("base64 alone") { device, _ in device.split(separator: "\n").dropFirst().dropLast().joined(separator: "\n")
        },
        File("another label") { device, _ in device.replacing(" CERTIFICATE-", with: " TRUSTED CERTIFICATE-") },
        File("a label in lower case") { device, _ in device.replacing("CERTIFICATE", with: "certificate") },
        File("no end") { device, _ in String(device.prefix { $0 != "=" }.dropLast(40)) },
        File("no end, another begins") { String($0.replacing("-----END CERTIFICATE-----\n", with: "")) + $1 },
        File("no end, a key begins") { device, _ in
            device.replacing("-----END CERTIFICATE-----\n", with: "") + Self.key
        },
        File("ends as something else") { device, _ in device.replacing("END CERTIFICATE", with: "END PRIVATE KEY") },
        File("an empty block") { _, _ in "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n" },
        File("a header in the block") { device, _ in
            device.replacing("BEGIN CERTIFICATE-----\n", with: "BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\n")
        },
        File("a digit missing") { device, _ in device.replacing("MII", with: "MI") },
        File("a character that is none of base64") { device, _ in device.replacing("MII", with: "M_I") },
        File("a blank inside a line") { device, _ in device.replacing("MII", with: "M II") },
        File("not a certificate inside") { _, _ in
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
        },
        File("good, then bad") { device, _ in
            device + "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
        },
        File("a block that is too large") { _, _ in
            "-----BEGIN CERTIFICATE-----\n" + String(repeating: "A", count: 21_852) + "\n-----END CERTIFICATE-----\n"
        },
        File("65 certificates") { device, _ in String(repeating: device, count: 65) },
        File("more than 2 MiB") { device, _ in device + String(repeating: "\n", count: 2_097_152) },
    ]

    private func bytes(of file: File) throws -> [UInt8] {
        let credentials = try TLSTestCredentials.get()
        return file.make(credentials.device.certificatePEM, try credentials.root.certificatePEM)
    }

    @Test(arguments: good)
    func isRead(_ file: File) throws {
        #expect(try PeerCertificate.reading(self.bytes(of: file)).map(\.subjectDescription) == file.subjects)
    }

    @Test(arguments: bad)
    func isRefused(_ file: File) throws {
        let bytes = try self.bytes(of: file)
        let error = #expect(throws: TLSError.self) { try PeerCertificate.reading(bytes) }
        #expect(error?.code == .certificateUnparsable && error?.fault == .operator)
    }

    @Test func der() throws {
        let der = try TLSTestCredentials.get().device.certificateDER
        #expect(try PeerCertificate.reading(der).map(\.der) == [der])
        for bad in [der + [0x0A], der + der, Array(der.dropLast()), Array(der.dropFirst()), [0x30], [0x30, 0x80]] {
            #expect(throws: TLSError.self) { try PeerCertificate.reading(bad) }
        }
    }

    @Test func sixtyFourAreRead() throws {
        let pem = try TLSTestCredentials.get().device.certificatePEM
        #expect(try PeerCertificate.reading(Array(String(repeating: pem, count: 64).utf8)).count == 64)
    }

    /// What mbedTLS would refuse is read, so that it can be told of.
    @Test func certificatesThatMbedTLSCannotParse() throws {
        let issued = try TLSTestCredentials.get().root.issue(
            TLSTestCredentials.deviceTemplate { $0.additionalExtensions = [.unknownCritical] })
        #expect(try PeerCertificate.reading(Array(issued.certificatePEM.utf8)).map(\.der) == [issued.certificateDER])
    }

    @Test(
        arguments: [
            ("", []), ("TQ==", [0x4D]), ("TWE=", [0x4D, 0x61]), ("TWFu", [0x4D, 0x61, 0x6E]),
            ("+/+/", [0xFB, 0xFF, 0xBF]),
            ("T", nil), ("TQ", nil), ("TQ=", nil), ("TQ===", nil), ("T===", nil), ("====", nil), ("=TQ=", nil),
            ("TR==", nil), ("TWF=", nil), ("TQ==TQ==", nil), ("T Fu", nil), ("TW-_", nil), ("TWF\u{E9}", nil),
        ] as [(String, [UInt8]?)])
    func base64(_ text: String, _ bytes: [UInt8]?) {
        #expect(Base64.decode(Array(text.utf8)) == bytes)
    }
}
