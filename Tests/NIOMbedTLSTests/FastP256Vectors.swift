import CMbedTLS
import Foundation
import Testing

struct P256Scalar: Sendable, Equatable, CustomTestStringConvertible {
    let bytes: [UInt8]

    init(_ hex: some StringProtocol) { self.bytes = bytesOf(hex: hex) }
    init(bytes: [UInt8]) { self.bytes = bytes }
    /// The group's order with another last byte.
    private init(ofOrder last: String) {
        self.init("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC6325" + last)
    }

    static let zero = P256Scalar(String(repeating: "0", count: 64))
    static let one = P256Scalar(String(repeating: "0", count: 63) + "1")
    static let two = P256Scalar(String(repeating: "0", count: 63) + "2")
    static let three = P256Scalar(String(repeating: "0", count: 63) + "3")
    static let leadingZeros = P256Scalar("0000" + String(repeating: "F", count: 60))
    static let halfBelow = P256Scalar("7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8")
    static let halfAbove = P256Scalar("7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A9")
    static let orderMinusTwo = P256Scalar(ofOrder: "4F")
    static let orderMinusOne = P256Scalar(ofOrder: "50")
    static let order = P256Scalar(ofOrder: "51")
    static let orderPlusOne = P256Scalar(ofOrder: "52")
    static let allOnes = P256Scalar(String(repeating: "F", count: 64))
    /// Any number between, and n less that number.
    static let large = P256Scalar("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
    static let largeNegated = P256Scalar("36505626BA458AEA94A3DEA8984E296C6E9636D2702F0372782F6897EA53BE30")

    static let edges: [P256Scalar] = [
        .zero, .one, .two, .three, .leadingZeros, .halfBelow, .halfAbove, .large, .largeNegated, .orderMinusTwo,
        .orderMinusOne, .order, .orderPlusOne, .allOnes,
    ]

    var isInRange: Bool { self != .zero && self.bytes.lexicographicallyPrecedes(P256Scalar.order.bytes) }
    var testDescription: String { self.bytes.map { String(format: "%02x", $0) }.joined() }
}

struct P256Point: Sendable, Equatable, CustomTestStringConvertible {
    var bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }
    init(x: String, y: String) { self.bytes = [4] + bytesOf(hex: x) + bytesOf(hex: y) }

    static let generatorX = "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
    static let p = "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF"
    static let yOfZeroX = "66485C780E2F83D72433BD5D84A06BB6541C2AF31DAE871728BF856A174F93F4"
    static let yOfFive = "459243B9AA581806FE913BCE99817ADE11CA503C64D9A3C533415C083248FBCC"
    static let zeros = String(repeating: "0", count: 64)

    static let generator = P256Point(
        x: generatorX, y: "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5")
    static let generatorNegated = P256Point(
        x: generatorX, y: "B01CBD1C01E58065711814B583F061E9D431CCA994CEA1313449BF97C840AE0A")
    static let zeroX = P256Point(x: zeros, y: yOfZeroX)
    static let zeroXNegated = P256Outcome.reference(.orderMinusOne, .zeroX).point
    static let smallX = P256Point(x: String(zeros.dropLast()) + "5", y: yOfFive)
    static let doubled = P256Outcome.reference(.two, .generator).point
    static let good: [P256Point] = [.generator, .generatorNegated, .zeroX, .zeroXNegated, .smallX, .doubled]

    static let infinity = P256Point(bytes: [UInt8](repeating: 0, count: 65))
    static let offCurve = P256Point(x: generatorX, y: yOfZeroX)
    static let origin = P256Point(x: zeros, y: zeros)
    static let allOnes = P256Point(x: String(repeating: "F", count: 64), y: String(repeating: "F", count: 64))
    /// On the curve if x is reduced modulo p: which mbedTLS does not do.
    static let unreducedX = P256Point(x: p, y: yOfZeroX)
    static let unreducedFive = P256Point(
        x: "FFFFFFFF00000001000000000000000000000001000000000000000000000004", y: yOfFive)
    static let unreducedY = P256Point(x: generatorX, y: p)
    static let bad: [P256Point] = [.infinity, .offCurve, .origin, .allOnes, .unreducedX, .unreducedFive, .unreducedY]

    static let pairs: [(P256Point, P256Point)] = [
        (.generator, .generator), (.generator, .generatorNegated), (.generator, .zeroX), (.generator, .doubled),
        (.doubled, .generator), (.zeroX, .zeroX), (.zeroX, .zeroXNegated), (.generator, .infinity),
        (.infinity, .generator), (.generator, .offCurve), (.offCurve, .generator), (.generator, .unreducedX),
    ]

    var testDescription: String { self.bytes.map { String(format: "%02x", $0) }.joined() }
}

/// What a multiplication answered: mbedTLS's error code, and the point (all zero with an error).
struct P256Outcome: Equatable, Sendable {
    var status: Int32
    var point: P256Point

    private static func of(_ multiplication: (UnsafeMutablePointer<UInt8>?) -> Int32) -> P256Outcome {
        var result = [UInt8](repeating: 0xAA, count: Int(FLEETGATE_P256_POINT_LENGTH))
        let status = result.withUnsafeMutableBufferPointer { multiplication($0.baseAddress) }
        return P256Outcome(status: status, point: P256Point(bytes: result))
    }
    static func reference(_ k: P256Scalar, _ p: P256Point) -> P256Outcome {
        self.of { fleetgate_p256_reference_mul(k.bytes, p.bytes, $0) }
    }
    static func wrapped(_ k: P256Scalar, _ p: P256Point) -> P256Outcome {
        self.of { fleetgate_p256_wrapped_mul(k.bytes, p.bytes, $0) }
    }
    static func reference(_ m: P256Scalar, _ p: P256Point, _ n: P256Scalar, _ q: P256Point) -> P256Outcome {
        self.of { fleetgate_p256_reference_muladd(m.bytes, p.bytes, n.bytes, q.bytes, $0) }
    }
    static func wrapped(_ m: P256Scalar, _ p: P256Point, _ n: P256Scalar, _ q: P256Point) -> P256Outcome {
        self.of { fleetgate_p256_wrapped_muladd(m.bytes, p.bytes, n.bytes, q.bytes, $0) }
    }
}

private func bytesOf(hex: some StringProtocol) -> [UInt8] {
    let digits = hex.compactMap { $0.hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

/// SplitMix64: the same vectors in every run.
struct SeededBytes {
    private var state: UInt64
    init(seed: UInt64) { self.state = seed }

    mutating func scalar() -> P256Scalar {
        var bytes: [UInt8] = []
        for _ in 0..<4 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var z = self.state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            z ^= z >> 31
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: z >> (8 * $0)) }
        }
        return P256Scalar(bytes: bytes)
    }
}

/// A key pair, made and used by mbedTLS.
struct CurveKey {
    /// An error code of mbedTLS.
    struct Failure: Error { var code: Int32 }

    /// TLS's number of the group.
    static let secp256r1: UInt16 = 23

    private let group: UInt16
    private let secret: [UInt8]
    private let publicKey: [UInt8]

    init(_ group: UInt16 = Self.secp256r1) throws {
        var secret = [UInt8](repeating: 0, count: Int(FLEETGATE_P256_TEST_SECRET_LENGTH))
        var publicKey = [UInt8](repeating: 0, count: Int(FLEETGATE_P256_TEST_PUBLIC_KEY_LENGTH))
        var length = 0
        try Self.check(fleetgate_p256_test_key(group, &secret, &publicKey, &length))
        self.group = group
        self.secret = secret
        self.publicKey = Array(publicKey.prefix(length))
    }

    private static func check(_ code: Int32) throws {
        if code != 0 { throw Failure(code: code) }
    }

    func sharedSecret(with peer: CurveKey) throws -> [UInt8] {
        var shared = [UInt8](repeating: 0, count: Int(FLEETGATE_P256_TEST_SECRET_LENGTH))
        try Self.check(
            fleetgate_p256_test_agree(self.group, self.secret, peer.publicKey, peer.publicKey.count, &shared)
        )
        return shared
    }

    func sign(_ digest: [UInt8]) throws -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: 64)
        try Self.check(fleetgate_p256_test_sign(self.secret, digest, &signature))
        return signature
    }

    /// mbedTLS's answer: 0, or an error code.
    func verify(_ signature: [UInt8], of digest: [UInt8]) -> Int32 {
        fleetgate_p256_test_verify(self.publicKey, digest, signature)
    }
}
