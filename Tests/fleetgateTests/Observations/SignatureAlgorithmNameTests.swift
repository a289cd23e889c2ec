import NIOMbedTLS
import Testing

@testable import fleetgate

@Suite struct SignatureAlgorithmNameTests {
    @Test func aCertificatesIsRead() throws {
        let der = try ObservedCredentials.get().device.der
        #expect(SignatureAlgorithmName.read(certificate: der) == "ecdsa-with-SHA256")
        // Cut off anywhere before the algorithm, there is none; and nothing is read beyond the end.
        for count in stride(from: 0, to: der.count, by: 1) {
            #expect(SignatureAlgorithmName.read(certificate: Array(der.prefix(count))).isEmpty)
        }
    }

    @Test(arguments: [
        [], [0x30], [0x30, 0x80], [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], [0x30, 0x83, 0xFF, 0xFF, 0xFF],
        [0x30, 0x02, 0x30, 0x00], [0x30, 0x04, 0x30, 0x00, 0x30, 0x00],
        [0x30, 0x06, 0x30, 0x00, 0x30, 0x02, 0x06, 0x00],
        [0x30, 0x12, 0x30, 0x00, 0x30, 0x0E, 0x06, 0x0C] + [UInt8](repeating: 0xFF, count: 12),
    ])
    func whatIsNoneHasNone(bytes: [UInt8]) {
        #expect(SignatureAlgorithmName.read(certificate: bytes).isEmpty)
    }

    @Test(arguments: [([UInt8(0x2A), 0x03], "1.2.3"), ([0x88, 0x37, 0x03], "2.999.3"), ([0x27], "0.39")])
    func anUnknownOneIsInDottedForm(oid: [UInt8], text: String) {
        let identifier = [0x06, UInt8(oid.count)] + oid
        let algorithm = [0x30, UInt8(identifier.count)] + identifier
        #expect(
            SignatureAlgorithmName.read(certificate: [0x30, UInt8(algorithm.count + 2), 0x30, 0x00] + algorithm) == text
        )
    }
}
