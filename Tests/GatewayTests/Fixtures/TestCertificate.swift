/// A certificate as bytes, for tests that need one to be there: it can be read, and its signature is none.
enum TestCertificate {
    static let der: [UInt8] = {
        let ecdsa = value(0x30, value(0x06, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]))
        let commonName = value(0x30, value(0x06, [0x55, 0x04, 0x03]) + value(0x0C, Array("t".utf8)))
        let name = value(0x30, value(0x31, commonName))
        let dates = value(
            0x30, value(0x17, Array("250101000000Z".utf8)) + value(0x17, Array("350101000000Z".utf8)))
        let algorithm = value(
            0x30,
            value(0x06, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01])
                + value(0x06, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]))
        let key = value(0x30, algorithm + value(0x03, [0x00, 0x04] + [UInt8](repeating: 7, count: 64)))
        let version = value(0xA0, value(0x02, [0x02]))
        let content = value(0x30, version + value(0x02, [0x01]) + ecdsa + name + dates + name + key)
        return value(0x30, content + ecdsa + value(0x03, [0x00, 0x30, 0x00]))
    }()

    private static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let length: [UInt8] =
            switch content.count {
            case ..<128: [UInt8(content.count)]
            case ..<256: [0x81, UInt8(content.count)]
            case _: [0x82, UInt8(content.count >> 8), UInt8(content.count & 255)]
            }
        return [tag] + length + content
    }
}
