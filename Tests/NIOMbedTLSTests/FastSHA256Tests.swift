import CMbedTLS
import Testing

/// SHA-256 as linked gives mbedTLS's own results, however the input comes.
@Suite("fast SHA-256")
struct FastSHA256Tests {
    private static let input = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 8) }

    private func own(_ length: Int, _ isSHA224: Bool) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: 32)
        #expect(fleetgate_reference_sha256(Self.input, length, isSHA224 ? 1 : 0, &output) == 0)
        return output
    }

    private func linked(_ length: Int, _ part: Int, _ isSHA224: Bool) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: 32)
        #expect(fleetgate_linked_sha256(Self.input, length, part, isSHA224 ? 1 : 0, &output) == 0)
        return output
    }

    @Test(arguments: [false, true], [0, 1])
    func everyLengthAndPart(isSHA224: Bool, isOn: Int32) {
        fleetgate_p256_set_thread_override(isOn)
        defer { fleetgate_p256_set_thread_override(FLEETGATE_P256_FOLLOW_SWITCH) }
        for length in Array(0...260) + [1_000, 16_384, 70_000] {
            let expected = self.own(length, isSHA224)
            for part in [1, 3, 55, 56, 63, 64, 65, 128, 1_000, 70_000] where length < 2_000 || part > 50 {
                #expect(self.linked(length, part, isSHA224) == expected, "\(length) bytes by \(part)")
            }
        }
    }

    /// FIPS 180-4's example "abc": both ways must be right, not only equal.
    @Test func aKnownHash() {
        var output = [UInt8](repeating: 0, count: 32)
        #expect(fleetgate_linked_sha256(Array("abc".utf8), 3, 2, 0, &output) == 0)
        let hexadecimal = output.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(hexadecimal == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(fleetgate_fast_sha256_agrees() == 1)
    }

    @Test(.enabled(if: fleetgate_p256_compiled_in() == 1, "built without acceleration"))
    func libcryptoCompresses() {
        func blocks(_ length: Int) -> UInt64 {
            let before = fleetgate_fast_sha256_thread_blocks()
            _ = self.linked(length, 100, false)
            return fleetgate_fast_sha256_thread_blocks() - before
        }
        fleetgate_p256_set_thread_override(1)
        #expect(blocks(0) == 1)
        #expect(blocks(55) == 1)
        #expect(blocks(56) == 2)
        #expect(blocks(640) == 11)
        fleetgate_p256_set_thread_override(0)
        #expect(blocks(640) == 0, "switched off")
        fleetgate_p256_set_thread_override(FLEETGATE_P256_FOLLOW_SWITCH)
    }
}
