import CMbedTLS
import Testing

/// AES-GCM as linked gives mbedTLS's own results, whatever it is asked for.
@Suite("fast AES-GCM")
struct FastGCMTests {
    private static let text = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 8) }
    private static let key = (0..<32).map { UInt8($0 &* 7) }
    private static let authenticationFailed: Int32 = -0x0012

    private struct Sealed: Equatable {
        var status: Int32
        var text: [UInt8]
        var tag: [UInt8]
    }

    private struct Record {
        var keyBits: UInt32 = 128
        var nonceLength = 12
        var additionalLength = 13
        var key = FastGCMTests.key

        func with<Answer>(_ body: (UnsafePointer<fleetgate_gcm_record>) -> Answer) -> Answer {
            self.key.withUnsafeBufferPointer { key in
                FastGCMTests.text.withUnsafeBufferPointer { bytes in
                    var record = fleetgate_gcm_record(
                        key: key.baseAddress, key_bits: self.keyBits, nonce: bytes.baseAddress,
                        nonce_length: self.nonceLength, additional: bytes.baseAddress,
                        additional_length: self.additionalLength)
                    return body(&record)
                }
            }
        }

        func seal(_ length: Int, isReference: Bool) -> Sealed {
            var sealed = Sealed(
                status: 0, text: Array(repeating: 0, count: length), tag: Array(repeating: 0, count: 16))
            let encrypt = isReference ? fleetgate_reference_gcm_encrypt : fleetgate_linked_gcm_encrypt
            sealed.status = self.with { encrypt($0, FastGCMTests.text, length, &sealed.text, &sealed.tag) }
            return sealed
        }

        /// In place and at an odd address, as TLS does it.
        func sealInPlace(_ length: Int) -> Sealed {
            var bytes = [0] + FastGCMTests.text.prefix(length)
            var sealed = Sealed(status: 0, text: [], tag: Array(repeating: 0, count: 16))
            sealed.status = bytes.withUnsafeMutableBufferPointer { bytes in
                guard let start = bytes.baseAddress?.advanced(by: 1) else { return -1 }
                return self.with { fleetgate_linked_gcm_encrypt($0, UnsafePointer(start), length, start, &sealed.tag) }
            }
            sealed.text = Array(bytes.dropFirst())
            return sealed
        }

        /// In place too.
        func open(_ sealed: Sealed, tagLength: Int = 16, isReference: Bool) -> (status: Int32, text: [UInt8]) {
            var text = sealed.text
            let decrypt = isReference ? fleetgate_reference_gcm_decrypt : fleetgate_linked_gcm_decrypt
            let status = text.withUnsafeMutableBufferPointer { text in
                self.with { record in
                    decrypt(
                        record, UnsafePointer(text.baseAddress), text.count, sealed.tag, tagLength, text.baseAddress)
                }
            }
            return (status, text)
        }
    }

    private static let lengths = Array(0...290) + [417, 1_000, 1_665, 4_096, 16_385, 20_000]

    @Test(arguments: [128, 192, 256] as [UInt32], [0, 1] as [Int32])
    func everyLength(keyBits: UInt32, isOn: Int32) {
        fleetgate_p256_set_thread_override(isOn)
        defer { fleetgate_p256_set_thread_override(FLEETGATE_P256_FOLLOW_SWITCH) }
        for length in Self.lengths {
            let record = Record(keyBits: keyBits, additionalLength: length % 40)
            let sealed = record.seal(length, isReference: false)
            #expect(sealed == record.seal(length, isReference: true), "\(length) bytes")
            #expect(record.sealInPlace(length) == sealed, "\(length) bytes")
            let opened = record.open(sealed, isReference: false)
            #expect(opened.status == 0 && opened.text == Array(Self.text.prefix(length)), "\(length) bytes")
        }
    }

    @Test("what TLS never asks for is mbedTLS's answer", arguments: [1, 8, 11, 13, 16, 60])
    func otherNonces(nonceLength: Int) {
        let record = Record(nonceLength: nonceLength)
        for length in [0, 1, 16, 417] {
            let sealed = record.seal(length, isReference: true)
            #expect(record.seal(length, isReference: false) == sealed)
            for tagLength in [4, 8, 12, 16] {
                let opened = record.open(sealed, tagLength: tagLength, isReference: false)
                #expect(opened.status == 0 && opened.text == Array(Self.text.prefix(length)))
            }
        }
        #expect(record.open(record.seal(9, isReference: true), tagLength: 3, isReference: false).status != 0)
        #expect(
            Record(nonceLength: 0).seal(9, isReference: false).status
                == Record(nonceLength: 0).seal(9, isReference: true).status)
    }

    @Test("nobody sees what was changed on its way", arguments: [1, 15, 16, 17, 105, 417, 1_665])
    func forgeries(length: Int) {
        let record = Record()
        let sealed = record.seal(length, isReference: false)
        var forgeries: [Sealed] = []
        for bit in 0..<128 {
            var forged = sealed
            forged.tag[bit / 8] ^= 1 << UInt8(bit % 8)
            forgeries.append(forged)
        }
        for index in stride(from: 0, to: length, by: max(1, length / 40)) {
            var forged = sealed
            forged.text[index] ^= 0x80
            forgeries.append(forged)
        }
        for forged in forgeries {
            let opened = record.open(forged, isReference: false)
            #expect(opened.status == Self.authenticationFailed)
            #expect(opened.text.allSatisfy { $0 == 0 })
        }
        var other = record
        other.additionalLength = 12
        #expect(other.open(sealed, isReference: false).status == Self.authenticationFailed)
        other = record
        other.key[0] ^= 1
        #expect(other.open(sealed, isReference: false).status == Self.authenticationFailed)
    }

    /// Test case 4 of the GCM specification (McGrew and Viega): both ways must be right, not only equal.
    @Test func aKnownRecord() {
        func bytes(_ hexadecimal: String) -> [UInt8] {
            let digits = Array(hexadecimal)
            return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0 }
        }
        let (key, nonce) = (bytes("feffe9928665731c6d6a8f9467308308"), bytes("cafebabefacedbaddecaf888"))
        let additional = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")
        let text = bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
                + "ba637b39")
        var (sealed, tag) = (Array(repeating: UInt8(0), count: text.count), Array(repeating: UInt8(0), count: 16))
        let status = key.withUnsafeBufferPointer { key in
            nonce.withUnsafeBufferPointer { nonce in
                additional.withUnsafeBufferPointer { additional in
                    var record = fleetgate_gcm_record(
                        key: key.baseAddress, key_bits: 128, nonce: nonce.baseAddress, nonce_length: nonce.count,
                        additional: additional.baseAddress, additional_length: additional.count)
                    return fleetgate_linked_gcm_encrypt(&record, text, text.count, &sealed, &tag)
                }
            }
        }
        #expect(status == 0)
        #expect(tag == bytes("5bc94fbc3221a5db94fae95ae7121a47"))
        #expect(sealed.prefix(4) == bytes("42831ec2")[...])
        #expect(fleetgate_fast_gcm_agrees() == 1)
    }

    @Test(.enabled(if: fleetgate_fast_gcm_is_supported() == 1, "built without acceleration, or no AES instructions"))
    func itIsUsed() {
        func records(_ body: () -> Void) -> UInt64 {
            let before = fleetgate_fast_gcm_thread_records()
            body()
            return fleetgate_fast_gcm_thread_records() - before
        }
        let record = Record()
        fleetgate_p256_set_thread_override(1)
        #expect(records { _ = record.open(record.seal(417, isReference: false), isReference: false) } == 2)
        #expect(records { _ = record.seal(0, isReference: false) } == 0)
        #expect(records { _ = Record(nonceLength: 8).seal(417, isReference: false) } == 0)
        fleetgate_p256_set_thread_override(0)
        #expect(records { _ = record.seal(417, isReference: false) } == 0, "switched off")
        fleetgate_p256_set_thread_override(FLEETGATE_P256_FOLLOW_SWITCH)
    }
}
