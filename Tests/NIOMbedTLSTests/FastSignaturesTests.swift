import CMbedTLS
import Foundation
import Testing

/// ECDSA on P-256 as linked judges every signature as mbedTLS itself does, with its own error codes: with a table for the
/// signer's key, as for an anchor's, and without.
@Suite("fast signatures")
struct FastSignaturesTests {
    private static let verifyFailed: Int32 = -0x4E00

    struct Key {
        let secret: [UInt8]
        let publicKey: [UInt8]

        init() throws {
            var secret = [UInt8](repeating: 0, count: Int(FLEETGATE_P256_TEST_SECRET_LENGTH))
            var publicKey = [UInt8](repeating: 0, count: Int(FLEETGATE_P256_TEST_PUBLIC_KEY_LENGTH))
            var length = 0
            try #require(fleetgate_p256_test_key(23, &secret, &publicKey, &length) == 0)
            self.secret = secret
            self.publicKey = Array(publicKey[..<length])
        }

        /// r and s, 32 bytes each.
        func sign(_ digest: [UInt8]) throws -> (r: [UInt8], s: [UInt8]) {
            var signature = [UInt8](repeating: 0, count: 64)
            try #require(fleetgate_p256_test_sign(self.secret, digest, &signature) == 0)
            return (Array(signature[..<32]), Array(signature[32...]))
        }
    }

    /// An INTEGER, with `padding` zero bytes more than DER allows.
    private static func integer(_ bytes: [UInt8], padding: Int = 0) -> [UInt8] {
        var value = Array(bytes.drop { $0 == 0 })
        if value.first.map({ $0 >= 0x80 }) ?? true { value.insert(0, at: 0) }
        value.insert(contentsOf: [UInt8](repeating: 0, count: padding), at: 0)
        return [2, UInt8(value.count)] + value
    }

    private static func der(_ r: [UInt8], _ s: [UInt8], padding: Int = 0) -> [UInt8] {
        let contents = self.integer(r, padding: padding) + self.integer(s)
        return [0x30, UInt8(contents.count)] + contents
    }

    /// n - s: the other signature of the same thing.
    private static func negated(_ s: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        var borrow = 0
        for i in (0..<32).reversed() {
            let difference = Int(P256Scalar.order.bytes[i]) - Int(s[i]) - borrow
            result[i] = UInt8(truncatingIfNeeded: difference)
            borrow = difference < 0 ? 1 : 0
        }
        return result
    }

    private func bothSay(_ publicKey: [UInt8], _ hash: [UInt8], _ signature: [UInt8]) -> (own: Int32, linked: Int32) {
        (
            fleetgate_reference_check_signature(publicKey, hash, hash.count, signature, signature.count),
            fleetgate_linked_check_signature(publicKey, hash, hash.count, signature, signature.count)
        )
    }

    /// As when the switch is on, whatever other tests do with it.
    ///
    /// - Parameter publicKey: one that has a table meanwhile.
    private func accelerated<Result>(tableFor publicKey: [UInt8]? = nil, _ body: () throws -> Result) rethrows -> Result
    {
        fleetgate_p256_set_thread_override(1)
        let tables = publicKey.flatMap { fleetgate_issuer_tables_new($0) }
        let before = fleetgate_issuer_tables_use(tables)
        defer {
            fleetgate_issuer_tables_use(before)
            fleetgate_issuer_tables_free(tables)
            fleetgate_p256_set_thread_override(FLEETGATE_P256_FOLLOW_SWITCH)
        }
        return try body()
    }

    @Test(arguments: [false, true])
    func goodSignaturesAreGood(hasTable: Bool) throws {
        var random = SeededBytes(seed: 0x51_6E)
        for _ in 0..<40 {
            let key = try Key()
            try accelerated(tableFor: hasTable ? key.publicKey : nil) {
                let hash = random.scalar().bytes
                let (r, s) = try key.sign(hash)
                for signature in [Self.der(r, s), Self.der(r, Self.negated(s))] {
                    let (own, linked) = self.bothSay(key.publicKey, hash, signature)
                    #expect((own, linked) == (0, 0))
                }
            }
        }
    }

    /// Hashes longer than the order are cut to it (FIPS 186-4, 6.4); short ones are taken as they are.
    @Test(arguments: [1, 19, 20, 28, 31, 32, 33, 48, 64, 65, 100], [false, true])
    func hashesOfAnyLength(_ length: Int, hasTable: Bool) throws {
        let key = try Key()
        try accelerated(tableFor: hasTable ? key.publicKey : nil) {
            let hash = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
            // What mbedTLS signs with 32 bytes has the same number as its first 32 bytes, or as the hash behind zeros.
            let digest = Array(repeating: 0, count: max(0, 32 - length)) + hash.prefix(32)
            let (r, s) = try key.sign(digest)
            let (own, linked) = self.bothSay(key.publicKey, hash, Self.der(r, s))
            #expect((own, linked) == (0, 0))
        }
    }

    @Test(arguments: [false, true])
    func anyChangedBitIsBad(hasTable: Bool) throws {
        let key = try Key()
        try accelerated(tableFor: hasTable ? key.publicKey : nil) {
            let hash = P256Scalar.large.bytes
            let (r, s) = try key.sign(hash)
            let signature = Self.der(r, s)
            for bit in 0..<(8 * signature.count) {
                var changed = signature
                changed[bit / 8] ^= 1 << (bit % 8)
                let (own, linked) = self.bothSay(key.publicKey, hash, changed)
                #expect(own != 0)
                #expect(linked == own, "bit \(bit)")
            }
            for bit in stride(from: 0, to: 256, by: 5) {
                var changed = hash
                changed[bit / 8] ^= 1 << (bit % 8)
                let (own, linked) = self.bothSay(key.publicKey, changed, signature)
                #expect((own, linked) == (Self.verifyFailed, Self.verifyFailed))
            }
            let (own, linked) = self.bothSay(try Key().publicKey, hash, signature)
            #expect((own, linked) == (Self.verifyFailed, Self.verifyFailed))
        }
    }

    /// Hashes that make the arithmetic meet its special cases: a multiple of nothing, and a number beyond the order.
    @Test(arguments: [P256Scalar.zero, .order, .orderPlusOne, .allOnes], [false, true])
    func hashesOfSpecialNumbers(_ hash: P256Scalar, hasTable: Bool) throws {
        let key = try Key()
        try accelerated(tableFor: hasTable ? key.publicKey : nil) {
            let (r, s) = try key.sign(hash.bytes)
            for signature in [Self.der(r, s), Self.der(r, Self.negated(s)), Self.der(s, r)] {
                let (own, linked) = self.bothSay(key.publicKey, hash.bytes, signature)
                #expect(linked == own)
            }
            #expect(self.bothSay(key.publicKey, hash.bytes, Self.der(r, s)).own == 0)
        }
    }

    /// With the private key 1 the two points that are added can be chosen: the same one, and opposite ones.
    @Test(arguments: [false, true])
    func pointsThatAreEqualAndOpposite(hasTable: Bool) throws {
        let publicKey = P256Point.generator.bytes
        let x = Array(publicKey[1...32])
        try accelerated(tableFor: hasTable ? publicKey : nil) {
            // r = e = x(G), s = 2r: half of G twice, which is G.
            var twice = [UInt8](repeating: 0, count: 32)
            var carry = 0
            for i in (0..<32).reversed() {
                let sum = 2 * Int(x[i]) + carry
                twice[i] = UInt8(truncatingIfNeeded: sum)
                carry = sum >> 8
            }
            try #require(carry == 0)
            let equal = self.bothSay(publicKey, x, Self.der(x, twice))
            #expect((equal.own, equal.linked) == (0, 0))
            // e = -r: nothing is left, which is no point with coordinates.
            let opposite = self.bothSay(publicKey, Self.negated(x), Self.der(x, twice))
            #expect(opposite.own != 0)
            #expect(opposite.linked == opposite.own)
        }
    }

    @Test(arguments: [false, true])
    func numbersOutOfRange(hasTable: Bool) throws {
        let key = try Key()
        try accelerated(tableFor: hasTable ? key.publicKey : nil) {
            let hash = P256Scalar.large.bytes
            let (r, s) = try key.sign(hash)
            let odd: [P256Scalar] = [.zero, .one, .orderMinusOne, .order, .orderPlusOne, .allOnes]
            for number in odd {
                for signature in [Self.der(number.bytes, s), Self.der(r, number.bytes)] {
                    let (own, linked) = self.bothSay(key.publicKey, hash, signature)
                    #expect(own != 0)
                    #expect(linked == own, "\(number)")
                }
            }
            // A negative number, and one of 33 bytes.
            for r in [[2, 1, 0xFF], [2, 33, 1] + [UInt8](repeating: 0, count: 32)] {
                let contents = r + Self.integer(s)
                let (own, linked) = self.bothSay(key.publicKey, hash, [0x30, UInt8(contents.count)] + contents)
                #expect(own != 0)
                #expect(linked == own)
            }
        }
    }

    @Test(arguments: [false, true])
    func oddEncodings(hasTable: Bool) throws {
        let key = try Key()
        try accelerated(tableFor: hasTable ? key.publicKey : nil) {
            let hash = P256Scalar.large.bytes
            let (r, s) = try key.sign(hash)
            let good = Self.der(r, s)
            var encodings: [[UInt8]] = [
                [], [0x30], [0x30, 0], Self.der(r, s, padding: 1), Self.der(r, s, padding: 40),
            ]
            encodings += (1..<good.count).map { Array(good[..<$0]) }
            encodings += [good + [0], good + good, [0x31] + good.dropFirst()]
            // A length in more bytes than needed, and one without end.
            encodings += [[0x30, 0x81, good[1]] + good.dropFirst(2), [0x30, 0x80] + good.dropFirst(2) + [0, 0]]
            for encoding in encodings {
                let (own, linked) = self.bothSay(key.publicKey, hash, encoding)
                #expect(linked == own, "\(encoding)")
            }
        }
    }

    @Test(arguments: P256Point.bad)
    func keysThatAreNone(_ point: P256Point) throws {
        try accelerated {
            let hash = P256Scalar.large.bytes
            let (r, s) = try Key().sign(hash)
            let (own, linked) = self.bothSay(point.bytes, hash, Self.der(r, s))
            #expect(own != 0)
            #expect(linked == own)
        }
    }

    /// One that always left the work to mbedTLS would pass every comparison.
    @Test(.enabled(if: fleetgate_p256_compiled_in() == 1, "built without acceleration"))
    func libcryptoJudgesWhatItCan() throws {
        let key = try Key()
        let hash = P256Scalar.large.bytes
        let (r, s) = try key.sign(hash)
        func checks(_ signature: [UInt8]) -> UInt64 {
            let before = fleetgate_fast_signatures_thread_checks()
            _ = fleetgate_linked_check_signature(key.publicKey, hash, hash.count, signature, signature.count)
            return fleetgate_fast_signatures_thread_checks() - before
        }
        accelerated {
            #expect(checks(Self.der(r, s)) == 1)
            #expect(checks(Self.der(s, r)) == 1, "a wrong one is found wrong once, not twice")
            #expect(checks(Self.der(r, s) + [0]) == 0)
        }
        fleetgate_p256_set_thread_override(0)
        defer { fleetgate_p256_set_thread_override(FLEETGATE_P256_FOLLOW_SWITCH) }
        #expect(checks(Self.der(r, s)) == 0, "switched off")
        #expect(fleetgate_fast_signatures_agree() == 1)
    }

    @Test(.enabled(if: fleetgate_p256_compiled_in() == 1, "built without acceleration"))
    func aTableIsForItsKeyOnly() throws {
        let (key, other) = (try Key(), try Key())
        let hash = P256Scalar.large.bytes
        let (r, s) = try key.sign(hash)
        func checks(_ publicKey: [UInt8], _ signature: [UInt8], _ expected: Int32) -> UInt64 {
            let before = fleetgate_issuer_tables_thread_checks()
            let answer = fleetgate_linked_check_signature(publicKey, hash, hash.count, signature, signature.count)
            #expect(answer == expected)
            return fleetgate_issuer_tables_thread_checks() - before
        }
        accelerated(tableFor: key.publicKey) {
            #expect(checks(key.publicKey, Self.der(r, s), 0) == 1)
            #expect(checks(key.publicKey, Self.der(s, r), Self.verifyFailed) == 1, "a wrong one is found wrong once")
            #expect(checks(other.publicKey, Self.der(r, s), Self.verifyFailed) == 0)
        }
        accelerated { #expect(checks(key.publicKey, Self.der(r, s), 0) == 0, "none in use any more") }
    }

    @Test(arguments: P256Point.bad)
    func keysThatAreNoneGetNoTable(_ point: P256Point) {
        let tables = fleetgate_issuer_tables_new(point.bytes)
        defer { fleetgate_issuer_tables_free(tables) }
        #expect(fleetgate_issuer_tables_count(tables) == 0)
    }
}
