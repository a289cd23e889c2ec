import Testing

@testable import FleetPKI

@Suite struct DERElementTests {
    private func content(_ octets: [UInt8], from start: Int = 0, before end: Int? = nil) -> Range<Int>? {
        DERElement.read(octets.span, at: start, before: end ?? octets.count)?.content
    }

    @Test func lengthsAreRead() {
        #expect(self.content([0x30, 0]) == 2..<2)
        #expect(self.content([0x02, 1, 5, 9]) == 2..<3)
        for count in [127, 128, 255, 256, 65_535, 65_536] {
            let octets = element(0x04, Array(repeating: 1, count: count))
            #expect(self.content(octets)?.count == count)
            #expect(self.content(octets)?.upperBound == octets.count)
        }
    }

    @Test(
        arguments: [
            [], [0x30], [0x30, 1], [0x30, 0x80], [0x30, 0x80, 0, 0], [0x30, 0x81], [0x30, 0x81, 0x7F],
            [0x30, 0x81, 0x80],
            [0x30, 0x82, 0, 0x80], [0x30, 0x82, 0x01], [0x30, 0x83, 0, 1, 0], [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x30, 0x85, 1, 0, 0, 0, 0], [0x30, 0x88, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x30, 0xFF] + [UInt8](repeating: 0xFF, count: 127), [0x1F, 0x1F, 0], [0xBF, 0x20, 0],
        ] as [[UInt8]])
    func whatIsNoDERIsRefused(_ octets: [UInt8]) {
        #expect(self.content(octets) == nil)
    }

    @Test func theShortestLengthIsTheOnlyOne() {
        let content = [UInt8](repeating: 0, count: 300)
        #expect(self.content([0x04, 0x81, 5] + content) == nil)
        #expect(self.content([0x04, 0x82, 0, 200] + content) == nil)
        #expect(self.content([0x04, 0x83, 0, 1, 0] + content) == nil)
        #expect(self.content([0x04, 0x82, 1, 0] + content)?.count == 256)
    }

    @Test func placesOutsideTheOctetsAreRefused() {
        let octets: [UInt8] = [0x30, 0, 0x30, 0]
        #expect(self.content(octets, from: -1) == nil)
        #expect(self.content(octets, from: 4) == nil)
        #expect(self.content(octets, from: 9) == nil)
        #expect(self.content(octets, from: 2, before: 5) == nil)
        #expect(self.content(octets, from: 2, before: 1) == nil)
        #expect(self.content(octets, from: 2) == 4..<4)
    }

    @Test func aCursorStopsAtWhatItCannotRead() {
        let octets: [UInt8] = element(0x02, [1]) + element(0x04) + [0x30, 0x80]
        var cursor = DERCursor(octets.indices)
        #expect(cursor.next(octets.span, DERTag.sequence) == nil)
        #expect(cursor.next(octets.span, DERTag.integer) != nil)
        #expect(cursor.next(octets.span)?.tag == DERTag.octetString)
        #expect(cursor.next(octets.span) == nil)
        #expect(!cursor.isAtEnd)
        #expect(cursor.position == 5)
    }
}
