import NIOCore
import Testing

@testable import MQTTCodec

// Packets written down byte by byte, independently of the encoder under test.

typealias Bytes = [UInt8]

func u16(_ value: Int) -> Bytes {
    [UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
}

func u32(_ value: Int) -> Bytes {
    u16(value >> 16) + u16(value & 0xFFFF)
}

/// A two-byte length and the bytes.
func data(_ bytes: Bytes) -> Bytes {
    u16(bytes.count) + bytes
}

func text(_ string: String) -> Bytes {
    data(Bytes(string.utf8))
}

func variable(_ value: Int) -> Bytes {
    value < 128 ? [UInt8(value)] : [UInt8(value % 128) | 0x80] + variable(value / 128)
}

/// A properties' length and the properties.
func properties(_ parts: Bytes...) -> Bytes {
    let all = parts.flatMap { $0 }
    return variable(all.count) + all
}

/// A whole packet: first byte, remaining length, body.
func packet(_ first: UInt8, _ parts: Bytes...) -> Bytes {
    let body = parts.flatMap { $0 }
    return [first] + variable(body.count) + body
}

/// Names a vector in the test's output.
struct Vector: Sendable, CustomTestStringConvertible {
    var name: String
    var version: MQTTProtocolVersion
    var bytes: Bytes
    var sender = MQTTSender.either
    var limits = MQTTLimits()

    var testDescription: String { "\(version) \(name)" }
}

/// A packet to be refused, with the code it is refused with.
struct Refused: Sendable, CustomTestStringConvertible {
    var vector: Vector
    var code: MQTTProtocolError.Code
    var reasonCode: MQTTReasonCode?

    init(
        _ name: String, _ version: MQTTProtocolVersion = .v5, _ bytes: Bytes, _ code: MQTTProtocolError.Code,
        _ reasonCode: MQTTReasonCode? = nil, sender: MQTTSender = .either, limits: MQTTLimits = MQTTLimits()
    ) {
        vector = Vector(name: name, version: version, bytes: bytes, sender: sender, limits: limits)
        self.code = code
        self.reasonCode = reasonCode
    }

    var testDescription: String { vector.testDescription }
}

/// A packet to be accepted, with what it means.
struct Accepted: Sendable, CustomTestStringConvertible {
    var vector: Vector
    var packet: MQTTPacket

    init(
        _ name: String, _ version: MQTTProtocolVersion = .v5, _ bytes: Bytes, _ packet: MQTTPacket,
        sender: MQTTSender = .either, limits: MQTTLimits = MQTTLimits()
    ) {
        vector = Vector(name: name, version: version, bytes: bytes, sender: sender, limits: limits)
        self.packet = packet
    }

    var testDescription: String { vector.testDescription }
}

extension Vector {
    /// The frame; the vector's bytes must be exactly one.
    func frame() throws -> MQTTFrame {
        var decoder = MQTTFrameDecoder(limits: limits, version: version)
        var buffer = ByteBuffer(bytes: bytes)
        let frame = try #require(try decoder.decode(buffer: &buffer))
        try #require(buffer.readableBytes == 0)
        return frame
    }

    func decode() throws -> MQTTPacket {
        try MQTTPacket.decode(try frame(), version: version, limits: limits, sender: sender)
    }
}

func encoded(_ packet: MQTTPacket, _ version: MQTTProtocolVersion) throws -> Bytes {
    var buffer = ByteBuffer()
    try packet.encode(into: &buffer, version: version)
    return Bytes(buffer.readableBytesView)
}

/// The packet is refused, by the framing or by the decode, with the code and reason code it names.
func expectRefused(_ refused: Refused, sourceLocation: SourceLocation = #_sourceLocation) {
    do {
        let packet = try refused.vector.decode()
        Issue.record("decoded to \(packet)", sourceLocation: sourceLocation)
    } catch let error as MQTTProtocolError {
        #expect(error.code == refused.code, "\(error)", sourceLocation: sourceLocation)
        if let reasonCode = refused.reasonCode {
            #expect(error.reasonCode == reasonCode, "\(error)", sourceLocation: sourceLocation)
        }
        #expect(error.reasonCode.isError, sourceLocation: sourceLocation)
        #expect(!error.clause.isEmpty && !error.detail.isEmpty, sourceLocation: sourceLocation)
    } catch {
        Issue.record(error, sourceLocation: sourceLocation)
    }
}

/// The bytes decode to the packet, and the packet encodes to the same bytes.
func expectAccepted(_ accepted: Accepted, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let decoded = try accepted.vector.decode()
    #expect(decoded == accepted.packet, sourceLocation: sourceLocation)
    #expect(
        try encoded(accepted.packet, accepted.vector.version) == accepted.vector.bytes, sourceLocation: sourceLocation)
}

/// The bytes decode to the packet, whose own encoding is shorter or of another form.
func expectRead(_ accepted: Accepted, sourceLocation: SourceLocation = #_sourceLocation) throws {
    #expect(try accepted.vector.decode() == accepted.packet, sourceLocation: sourceLocation)
}

/// Encoding fails with the code and leaves the buffer as it was.
func expectUnencodable(
    _ packet: MQTTPacket, _ version: MQTTProtocolVersion, _ code: MQTTEncodingError.Code,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let before = ByteBuffer(string: "before")
    var buffer = before
    do {
        try packet.encode(into: &buffer, version: version)
        Issue.record("encoded \(packet)", sourceLocation: sourceLocation)
    } catch {
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    }
    #expect(buffer == before, sourceLocation: sourceLocation)
}

/// Every vector of every packet type, for the tests that must hold for all of them.
enum AllVectors {
    static let accepted: [Accepted] =
        MQTTConnectTests.accepted + MQTTConnackTests.accepted + MQTTPublishTests.accepted
        + MQTTAcknowledgementTests.accepted + MQTTSubscribeTests.accepted + MQTTSubackTests.accepted
        + MQTTUnsubscribeTests.accepted + MQTTUnsubackTests.accepted + MQTTPingTests.accepted
        + MQTTDisconnectTests.accepted + MQTTAuthTests.accepted
}
