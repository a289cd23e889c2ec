import CMbedTLS
import Foundation
import Synchronization
import Testing

/// The P-256 wrap gives mbedTLS's own results and mbedTLS's own error codes, for good input and for bad.
@Suite("fast P-256")
struct FastP256Tests {
    @Test func theBuildSaysWhatItIs() {
        #if FastP256
            #expect(fleetgate_p256_compiled_in() == 1)
            #expect(fleetgate_p256_self_check() == .agrees)
        #else
            #expect(fleetgate_p256_compiled_in() == 0)
            #expect(fleetgate_p256_self_check() == .notCompiledIn)
            fleetgate_p256_set_enabled(1)
            fleetgate_p256_set_thread_override(1)
            defer { fleetgate_p256_set_thread_override(FLEETGATE_P256_FOLLOW_SWITCH) }
            #expect(fleetgate_p256_enabled() == 0)
            #expect(P256Outcome.wrapped(.two, .generator) == .reference(.two, .generator))
            #expect(fleetgate_p256_thread_operations() == 0)
        #endif
    }

    /// The first context of a process makes the check, on whatever thread needs it.
    @Test(.enabled(if: fleetgate_p256_compiled_in() == 1, "built without acceleration"), arguments: [Int32(0), 1])
    func theSelfCheckLeavesTheThreadsOverrideAsItWas(_ override: Int32) {
        let before = fleetgate_p256_set_thread_override(override)
        defer { fleetgate_p256_set_thread_override(before) }
        #expect(fleetgate_p256_self_check() == .agrees)
        #expect(fleetgate_p256_enabled() == override)
    }

    /// A vector of NIST's point multiplication examples: both ways must be right, not only equal.
    @Test func aKnownMultipleOfTheGenerator() throws {
        let scalar = P256Scalar("000000000000000000000000000000000000000000000000018EBBB95EED0E13")
        let expected = P256Point(
            x: "339150844EC15234807FE862A86BE77977DBFB3AE3D96F4C22795513AEAAB82F",
            y: "B1C14DDFDC8EC1B2583F51E85A5EB3A155840F2034730E9B5ADA38B674336A21"
        )
        #expect(P256Outcome.reference(scalar, .generator) == P256Outcome(status: 0, point: expected))
        #expect(P256Outcome.wrapped(scalar, .generator) == P256Outcome(status: 0, point: expected))
    }

    @Test(arguments: P256Scalar.edges)
    func edgeScalarsOnEveryKindOfPoint(_ scalar: P256Scalar) {
        for point in P256Point.good + P256Point.bad {
            let expected = P256Outcome.reference(scalar, point)
            #expect(P256Outcome.wrapped(scalar, point) == expected, "\(scalar) · \(point)")
            #expect((expected.status == 0) == (scalar.isInRange && P256Point.good.contains(point)))
        }
    }

    @Test(arguments: [P256Scalar.zero, .one, .two, .orderMinusOne, .order, .large, .largeNegated])
    func edgeScalarsInDoubleMultiplication(_ m: P256Scalar) {
        for n in [P256Scalar.zero, .one, .two, .orderMinusOne, .order, .large, .largeNegated] {
            for (p, q) in P256Point.pairs {
                let expected = P256Outcome.reference(m, p, n, q)
                #expect(P256Outcome.wrapped(m, p, n, q) == expected, "\(m) · \(p) + \(n) · \(q)")
            }
        }
    }

    @Test func sumsThatAreInfinity() {
        let infinity = P256Outcome(status: 0, point: .infinity)
        #expect(P256Outcome.wrapped(.large, .generator, .largeNegated, .generator) == infinity)
        #expect(P256Outcome.wrapped(.large, .generator, .large, .generatorNegated) == infinity)
        #expect(P256Outcome.wrapped(.zero, .generator, .zero, .generator) == infinity)
    }

    @Test(arguments: 0..<8)
    func randomMultiplications(_ part: Int) {
        var random = SeededBytes(seed: 0x5EED_0000 + UInt64(part))
        for _ in 0..<70 {
            let k = random.scalar()
            let l = random.scalar()
            let fixedBase = P256Outcome.reference(k, .generator)
            #expect(P256Outcome.wrapped(k, .generator) == fixedBase, "\(k) · G")
            #expect(P256Outcome.wrapped(l, fixedBase.point) == .reference(l, fixedBase.point), "\(l) · \(k) · G")
            #expect(
                P256Outcome.wrapped(l, .generator, k, fixedBase.point) == .reference(l, .generator, k, fixedBase.point),
                "\(l) · G + \(k) · \(k) · G"
            )
        }
    }

    @Test func inversionsModuloTheOrder() {
        var random = SeededBytes(seed: 0x5EED_1000)
        let edges: [P256Scalar] = [.one, .two, .three, .leadingZeros, .orderMinusOne, .large, .largeNegated]
        for scalar in edges + (0..<200).map({ _ in random.scalar() }) where scalar.isInRange {
            let (status, inverse) = Self.inverted(scalar, fleetgate_p256_wrapped_invert)
            let expected = Self.inverted(scalar, fleetgate_p256_reference_invert)
            #expect(status == 0)
            #expect(expected.status == 0)
            #expect(inverse == expected.inverse, "1 / \(scalar)")
            // An inverse's inverse is the number itself: both could not be wrong in the same way.
            #expect(Self.inverted(P256Scalar(bytes: inverse), fleetgate_p256_wrapped_invert).inverse == scalar.bytes)
        }
    }

    private static func inverted(
        _ scalar: P256Scalar, _ invert: (UnsafePointer<UInt8>?, UnsafeMutablePointer<UInt8>?) -> Int32
    ) -> (status: Int32, inverse: [UInt8]) {
        var inverse = [UInt8](repeating: 0, count: Int(FLEETGATE_P256_SCALAR_LENGTH))
        let status = invert(scalar.bytes, &inverse)
        return (status, inverse)
    }

    /// A wrap that always fell back would pass every comparison: so what libcrypto computed is counted.
    @Test(.enabled(if: fleetgate_p256_compiled_in() == 1))
    func libcryptoComputesWhatIsGoodAndNothingElse() {
        fleetgate_p256_set_thread_override(1)  // another test turns the switch meanwhile
        defer { fleetgate_p256_set_thread_override(FLEETGATE_P256_FOLLOW_SWITCH) }
        #expect(operations { _ = P256Outcome.wrapped(.large, .generator) } == 1)
        #expect(operations { _ = P256Outcome.wrapped(.orderMinusOne, .zeroX) } == 1)
        #expect(operations { _ = P256Outcome.wrapped(.large, .generator, .two, .zeroX) } == 1)
        #expect(operations { _ = P256Outcome.reference(.large, .generator) } == 0)
        for point in P256Point.bad {
            #expect(operations { _ = P256Outcome.wrapped(.large, point) } == 0, "\(point)")
            #expect(operations { _ = P256Outcome.wrapped(.large, .generator, .large, point) } == 0, "\(point)")
        }
        for scalar in P256Scalar.edges where !scalar.isInRange {
            #expect(operations { _ = P256Outcome.wrapped(scalar, .generator) } == 0, "\(scalar)")
        }
    }

    @Test(.enabled(if: fleetgate_p256_compiled_in() == 1))
    func theSwitchAndTheThreadsOwnOverride() {
        func double() -> UInt64 { operations { _ = P256Outcome.wrapped(.two, .generator) } }
        fleetgate_p256_set_enabled(0)
        #expect(fleetgate_p256_enabled() == 0)
        #expect(double() == 0)
        fleetgate_p256_set_enabled(1)
        #expect(fleetgate_p256_enabled() == 1)
        #expect(double() == 1)
        #expect(withOverride(0, double) == 0)
        #expect(withOverride(1, double) == 1)
    }

    // MARK: Through mbedTLS's own protocols

    /// secp384r1, secp521r1, x25519, by TLS's numbers.
    @Test(arguments: [UInt16(24), 25, 29])
    func otherCurvesAreLeftAlone(_ curve: UInt16) throws {
        let used = try operations {
            let (ours, theirs) = (try CurveKey(curve), try CurveKey(curve))
            let shared = try ours.sharedSecret(with: theirs)
            #expect(try shared == theirs.sharedSecret(with: ours))
        }
        #expect(used == 0)
    }

    /// Key agreement: each side either way, the secret the same.
    @Test(arguments: [(Int32(1), Int32(0)), (0, 1), (1, 1)])
    func keyAgreementInteroperates(_ ours: Int32, _ theirs: Int32) throws {
        for _ in 0..<10 {
            let (a, b) = (try withOverride(ours) { try CurveKey() }, try withOverride(theirs) { try CurveKey() })
            let secret = try withOverride(ours) { try a.sharedSecret(with: b) }
            #expect(try withOverride(theirs) { try b.sharedSecret(with: a) } == secret)
            #expect(secret.contains { $0 != 0 })
        }
    }

    /// Signatures: made either way, accepted either way; of another message or key, refused either way.
    @Test(arguments: [Int32(0), 1], [Int32(0), 1])
    func signaturesInteroperate(_ signer: Int32, _ verifier: Int32) throws {
        var random = SeededBytes(seed: 0xD16E57)
        let stranger = try CurveKey()
        let verifyFailed: Int32 = -0x4E00  // MBEDTLS_ERR_ECP_VERIFY_FAILED
        for _ in 0..<10 {
            let key = try withOverride(signer) { try CurveKey() }
            let digest = random.scalar().bytes
            let signature = try withOverride(signer) { try key.sign(digest) }
            withOverride(verifier) {
                #expect(key.verify(signature, of: digest) == 0)
                #expect(key.verify(signature, of: random.scalar().bytes) == verifyFailed)
                #expect(stranger.verify(signature, of: digest) == verifyFailed)
            }
        }
    }

    /// More threads than cores, each with its own scratch, started and ended together.
    @Test func manyThreads() throws {
        var random = SeededBytes(seed: 0x7EAD)
        let vectors = (0..<16).map { _ -> (P256Scalar, P256Scalar, P256Outcome, P256Outcome) in
            let (k, l) = (random.scalar(), random.scalar())
            return (k, l, .reference(k, .zeroX), .reference(l, .generator, k, .zeroX))
        }
        let wrong = Mutex(0)
        let finished = DispatchGroup()
        for start in 0..<24 {
            finished.enter()
            let thread = Thread {
                for turn in 0..<64 {
                    let (k, l, product, sum) = vectors[(start + turn) % vectors.count]
                    if P256Outcome.wrapped(k, .zeroX) != product || P256Outcome.wrapped(l, .generator, k, .zeroX) != sum
                    {
                        wrong.withLock { $0 += 1 }
                    }
                }
                finished.leave()
            }
            thread.start()
        }
        finished.wait()
        #expect(wrong.withLock { $0 } == 0)
    }
}

// MARK: - Running

/// How many multiplications libcrypto did for this thread in `body`.
private func operations(_ body: () throws -> Void) rethrows -> UInt64 {
    let before = fleetgate_p256_thread_operations()
    try body()
    return fleetgate_p256_thread_operations() - before
}

private func withOverride<Result>(_ override: Int32, _ body: () throws -> Result) rethrows -> Result {
    fleetgate_p256_set_thread_override(override)
    defer { fleetgate_p256_set_thread_override(FLEETGATE_P256_FOLLOW_SWITCH) }
    return try body()
}
