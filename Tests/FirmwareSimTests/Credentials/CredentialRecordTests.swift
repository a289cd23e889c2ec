import Foundation
import Testing

@testable import FirmwareSim

@Suite struct CredentialRecordTests {
    private static func record(
        _ kind: CredentialKind = .valid, from: Int = 0, to: Int = 1_000_000_000
    ) -> CredentialRecord {
        CredentialRecord(
            origin: .init(
                issuer: "ab", kind: kind, keyType: .p384, subject: "O=a\nb,CN=ü", alternativeNames: ["uri:urn:1"]),
            name: "ü", serialNumber: "0102", notBefore: from, notAfter: to)
    }

    @Test func readsBack() throws {
        let line = Self.record().line
        #expect(line.filter { $0.isNewline }.count == 1)
        let (record, rest) = try #require(CredentialRecord.read(line + "rest\n"))
        #expect(record == Self.record())
        #expect(rest == "rest\n")
    }

    @Test(arguments: [
        "", "\n", "firmware-sim \n", "firmware-sim {}\n", "firmware-sim []\n", "firmware-sim {", "{}\n",
        "firmware-sim {\"notBefore\":-1}\n", "Firmware-sim {}\n", String(repeating: "x", count: 100_000),
        Self.record().line.replacingOccurrences(of: "\"valid\"", with: "\"splendid\""),
        Self.record().line.replacingOccurrences(of: "\"p384\"", with: "\"p999\""),
        Self.record().line.replacingOccurrences(of: "1000000000", with: "999999999999999"),
        Self.record().line.replacingOccurrences(of: "1000000000", with: "1e400"),
        Self.record().line.replacingOccurrences(of: "1000000000", with: "\"soon\""),
        String(Self.record().line.dropLast()),
        "firmware-sim {\"name\":\"" + String(repeating: "x", count: 300_000) + "\"}\n",
    ])
    func whatIsNoRecordIsNone(_ text: String) {
        #expect(CredentialRecord.read(text) == nil)
    }

    @Test(arguments: [
        // Kind, validity in days from now, whether it can be used.
        (CredentialKind.valid, -1, 30, true), (.valid, -1, 6, false), (.valid, 1, 30, false), (.valid, -3, -1, false),
        (.revoked, -1, 30, true), (.wrongCA, -1, 30, true), (.wrongEKU, -1, 6, false), (.selfSigned, -1, 30, true),
        (.expired, -30, -1, true), (.expired, -30, 1, false), (.notYetValid, 300, 330, true),
        (.notYetValid, 6, 36, false), (.notYetValid, -1, 30, false), (.none, -1, 30, false),
    ])
    func isUsableWhileItIsWhatItsKindSays(_ kind: CredentialKind, _ from: Int, _ to: Int, _ expected: Bool) {
        let now = 1_800_000_000
        let record = Self.record(kind, from: now + from * 86_400, to: now + to * 86_400)
        #expect(record.isUsable(at: Date(timeIntervalSince1970: Double(now))) == expected)
    }
}
