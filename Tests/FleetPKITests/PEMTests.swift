import Testing

@testable import FleetPKI

@Suite struct PEMTests {
    @Test func encodedTextReadsBack() throws {
        for count in [1, 47, 48, 49, 1000] {
            let der = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            let text = PEMBlock.encode(label: "CERTIFICATE", der: der)
            #expect(try PEMBlock.decodeAll(text, label: "CERTIFICATE") == [der])
            #expect(text.hasSuffix("-----END CERTIFICATE-----\n"))
            #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= 64 })
        }
    }

    @Test(arguments: [
        "-----BEGIN X-----\nAQID\n-----END X-----\n",
        "-----BEGIN X-----\r\nAQID\r\n-----END X-----\r\n",
        "-----BEGIN X-----\nAQ\nID\n-----END X-----",
        "text before\n-----BEGIN X-----\n\n  AQID  \n-----END X-----   \ntext after",
    ])
    func lenientReading(_ text: String) throws {
        #expect(try PEMBlock.decodeAll(text, label: "X") == [[1, 2, 3]])
    }

    @Test(arguments: [
        ("", "no-pem-block"),
        ("garbage", "no-pem-block"),
        ("-----BEGIN Y-----\nAQID\n-----END Y-----\n", "no-pem-block"),
        ("-----BEGIN X----\nAQID\n-----END X-----\n", "malformed-pem"),
        ("-----BEGIN X-----\nAQID\n", "malformed-pem"),
        ("-----BEGIN X-----\nAQID\n-----END Y-----\n", "malformed-pem"),
        ("-----BEGIN X-----\n-----BEGIN X-----\nAQID\n-----END X-----\n", "malformed-pem"),
        ("AQID\n-----END X-----\n", "malformed-pem"),
        ("-----BEGIN X-----\n-----END X-----\n", "malformed-pem"),
        ("-----BEGIN X-----\n!!!!\n-----END X-----\n", "malformed-pem"),
        ("-----BEGIN X-----\nAQI\n-----END X-----\n", "malformed-pem"),
        ("-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\nAQID\n-----END X-----\n", "malformed-pem"),
    ])
    func malformed(_ text: String, _ expected: String) throws {
        #expect(try code { try PEMBlock.decodeAll(text, label: "X") }?.rawValue == expected)
    }

    @Test func textOverTheLimitIsNotRead() throws {
        let text = String(repeating: "a", count: PEMBlock.maximumTextLength + 1)
        #expect(try code { try PEMBlock.scan(text) } == .inputTooLong)
    }
}
