import Foundation
import Testing

@testable import FleetPKI

@Suite struct ListTimeTests {
    private func seconds(_ tag: UInt8, _ text: String) -> Int64? {
        let octets = element(tag, Array(text.utf8))
        return DERElement.read(octets.span, at: 0, before: octets.count).flatMap { ListTime.seconds($0, octets.span) }
    }

    @Test func bothFormsAreRead() {
        #expect(self.seconds(0x17, "700101000000Z") == 0)
        #expect(self.seconds(0x17, "491231235959Z") == 2_524_607_999)
        #expect(self.seconds(0x17, "500101000000Z") == -631_152_000)
        #expect(self.seconds(0x18, "20500101000000Z") == 2_524_608_000)
        #expect(self.seconds(0x18, "20260101000000Z") == 1_767_225_600)
        #expect(self.seconds(0x18, "99991231235959Z") == 253_402_300_799)
        #expect(self.seconds(0x18, "00000101000000Z") == -62_167_219_200)
        #expect(self.seconds(0x17, "240229000000Z") == 1_709_164_800)
        #expect(self.seconds(0x18, "20000229000000Z") == 951_782_400)
    }

    /// Every tenth hour of a hundred years, by Foundation's calendar.
    @Test func agreesWithTheCalendar() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        for step in stride(from: 0, to: 3_200_000_000, by: 36_037 * 211) {
            let parts = calendar.dateComponents(
                [.year, .month, .day, .hour, .minute, .second], from: Date(timeIntervalSince1970: Double(step)))
            func two(_ value: Int?) -> String { String(value ?? 0).count == 1 ? "0\(value ?? 0)" : "\(value ?? 0)" }
            let rest = two(parts.month) + two(parts.day) + two(parts.hour) + two(parts.minute) + two(parts.second) + "Z"
            #expect(self.seconds(0x18, "\(parts.year ?? 0)\(rest)") == Int64(step))
        }
    }

    @Test(arguments: [
        "", "Z", "260101000000", "2601010000Z", "260101000000z", "260101000000+0000", "26010100000aZ", "2601010000.0Z",
        "260001000000Z", "261301000000Z", "260100000000Z", "260132000000Z", "260230000000Z", "250229000000Z",
        "260431000000Z", "260101240000Z", "260101006000Z", "260101000060Z", "260101000000ZZ", "20260101000000Z",
        "-60101000000Z", "2601:1000000Z",
    ])
    func whatIsNoUTCTimeIsRefused(_ text: String) {
        #expect(self.seconds(0x17, text) == nil)
    }

    @Test(arguments: [
        "", "260101000000Z", "20260101000000", "202601010000Z", "20260101000000.5Z", "20260101000000,5Z",
        "20260101000000+0100", "19000229000000Z", "20261301000000Z", "2026 101000000Z",
    ])
    func whatIsNoGeneralizedTimeIsRefused(_ text: String) {
        #expect(self.seconds(0x18, text) == nil)
    }

    @Test func otherTagsAreNoTime() {
        for tag in [UInt8(0x16), 0x0C, 0x04, 0x97] { #expect(self.seconds(tag, "260101000000Z") == nil) }
    }
}
