import NIOCore

/// The variable byte integer (section 1.5.5): seven bits to a byte, lowest first, at most four bytes.
///
/// Only the shortest form of a value is accepted [MQTT-1.5.5-1]. MQTT 3.1.1 does not spell that rule out; it is applied
/// there too, so that a packet has one form only and no two parsers disagree about it.
struct MQTTVariableByteInteger: Equatable {
    /// The largest value four bytes can hold.
    static let valueMax = 268_435_455

    /// 0 to ``valueMax``.
    var value: Int
    /// Bytes on the wire: 1 to 4.
    var byteCount: Int

    /// Reads at `index` without consuming; nil if the bytes end before the integer does.
    static func peek(in buffer: ByteBuffer, at index: Int) throws(MQTTProtocolError) -> MQTTVariableByteInteger? {
        var value = 0
        var byteCount = 0
        while byteCount < 4 {
            guard let byte = buffer.getInteger(at: index + byteCount, as: UInt8.self) else { return nil }
            value |= Int(byte & 0x7F) << (7 * byteCount)
            byteCount += 1
            guard byte & 0x80 == 0 else { continue }
            guard byte != 0 || byteCount == 1 else {
                throw .malformed(.badVariableByteInteger, "MQTT-1.5.5-1", "a variable byte integer is not minimal")
            }
            return MQTTVariableByteInteger(value: value, byteCount: byteCount)
        }
        throw .malformed(.badVariableByteInteger, "section 1.5.5", "a variable byte integer is longer than four bytes")
    }

    /// Bytes needed for `value`, which must be 0 to ``valueMax``.
    static func byteCount(of value: Int) -> Int {
        switch value {
        case ..<128: return 1
        case ..<16_384: return 2
        case ..<2_097_152: return 3
        default: return 4
        }
    }

    /// Appends the shortest form of `value`, which must be 0 to ``valueMax``.
    static func write(_ value: Int, to buffer: inout ByteBuffer) {
        assert((0...valueMax).contains(value))
        var rest = value
        repeat {
            let low = UInt8(truncatingIfNeeded: rest & 0x7F)
            rest >>= 7
            buffer.writeInteger(rest > 0 ? low | 0x80 : low)
        } while rest > 0
    }
}
