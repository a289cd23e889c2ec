import Testing

@testable import MQTTCodec

@Suite struct MQTTTextTests {
    private func isWellFormed(_ bytes: Bytes, controls: Bool = true) -> Bool {
        MQTTText.isWellFormed(bytes.span, acceptingControlCharacters: controls)
    }

    @Test func everyScalarButNullIsAccepted() {
        for value in UInt32(1)...0x10FFFF {
            // Every boundary, and a sample between them: all 1.1 million take too long unoptimised.
            guard value % 61 == 0 || value & 0xFF >= 0xFD || value & 0xFF <= 2 else { continue }
            guard let scalar = Unicode.Scalar(value) else { continue }
            #expect(isWellFormed(Bytes(String(scalar).utf8)), "U+\(String(value, radix: 16))")
        }
    }

    @Test(
        arguments: [
            [0x00], [0x61, 0x00, 0x62], [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xC2, 0xC2],
            [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF], [0xEF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80],
            [0xF0, 0x90, 0x80, 0x41], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0xF8, 0x88, 0x80, 0x80, 0x80],
            [0xFE], [0xFF], [0x41, 0xFF], [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80],
        ] as [Bytes])
    func refuses(bytes: Bytes) {
        #expect(!isWellFormed(bytes))
        #expect(!isWellFormed(bytes, controls: false))
    }

    @Test func agreesWithTheStandardLibraryOnRandomBytes() {
        var generator = SeededGenerator(seed: 42)
        // Bytes at the edges of the ranges make well-formed and nearly well-formed sequences likely.
        let alphabet: Bytes = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4,
            0xF5,
        ]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...5, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            #expect(isWellFormed(bytes) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }

    @Test func controlAndNonCharactersOnlyWhereAccepted() {
        let disallowed: [UInt32] = [
            0x1, 0xA, 0x1F, 0x7F, 0x80, 0x9F, 0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1_FFFE, 0x8_FFFF, 0x10_FFFF,
        ]
        for scalar in disallowed.compactMap(Unicode.Scalar.init) {
            #expect(!isWellFormed(Bytes("a\(scalar)".utf8), controls: false), "\(scalar.value)")
        }
        let allowed: [UInt32] = [
            0x20, 0x7E, 0xA0, 0xFDCF, 0xFDF0, 0xFEFF, 0xFFFD, 0x1_FFFD, 0x2_0000, 0x10_FFFD,
        ]
        for scalar in allowed.compactMap(Unicode.Scalar.init) {
            #expect(isWellFormed(Bytes("\(scalar)b".utf8), controls: false), "\(scalar.value)")
        }
    }
}
