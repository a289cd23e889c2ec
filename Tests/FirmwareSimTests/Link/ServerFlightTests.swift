import NIOCore
import Testing

@testable import FirmwareSim

/// Server flights put together by hand (RFC 5246 section 7.4.1.3, RFC 8446 section 4.1.3).
enum FlightBytes {
    static func message(_ type: UInt8, _ body: [UInt8]) -> [UInt8] {
        [type, UInt8(body.count >> 16), UInt8(body.count >> 8 & 0xFF), UInt8(body.count & 0xFF)] + body
    }

    static func record(_ type: UInt8, _ content: [UInt8]) -> [UInt8] {
        [type, 3, 3, UInt8(content.count >> 8), UInt8(content.count & 0xFF)] + content
    }

    static func hello(
        random: [UInt8] = [UInt8](repeating: 9, count: 32), sessionID: [UInt8] = [], extensions: [[UInt8]]? = nil
    ) -> [UInt8] {
        var body: [UInt8] = [3, 3] + random + [UInt8(sessionID.count)] + sessionID + [0x13, 0x01, 0]
        if let extensions {
            let all = extensions.flatMap(\.self)
            body += [UInt8(all.count >> 8), UInt8(all.count & 0xFF)] + all
        }
        return message(2, body)
    }

    static let version13: [UInt8] = [0, 43, 0, 2, 3, 4]
    static let preSharedKey: [UInt8] = [0, 41, 0, 2, 0, 0]
    static let keyShare: [UInt8] = [0, 51, 0, 4, 0, 23, 0, 0]
    static let retryRandom: [UInt8] = [
        0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
        0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
    ]

    static let certificate = message(11, [UInt8](repeating: 1, count: 300))
    static let changeCipherSpec = record(20, [1])

    static let full12 = record(22, hello(extensions: [])) + record(22, certificate)
    static let resumed12 = record(22, hello(sessionID: [1, 2, 3])) + changeCipherSpec
    static let renewed12 = record(22, hello() + message(4, [0, 0, 0, 0, 0, 1, 7])) + changeCipherSpec
    static let full13 = record(22, hello(extensions: [version13, keyShare])) + changeCipherSpec
    static let resumed13 = record(22, hello(extensions: [keyShare, preSharedKey, version13]))
    static let retry13 = record(22, hello(random: retryRandom, extensions: [version13]))
}

@Suite struct ServerFlightTests {
    static let known: [([UInt8], ServerFlight)] = [
        (FlightBytes.full12, .full(isTLS13: false)), (FlightBytes.resumed12, .resumed(isTLS13: false)),
        (FlightBytes.renewed12, .resumed(isTLS13: false)), (FlightBytes.full13, .full(isTLS13: true)),
        (FlightBytes.resumed13, .resumed(isTLS13: true)), (FlightBytes.retry13, .retry),
        // Both messages in one record.
        (FlightBytes.record(22, FlightBytes.hello() + FlightBytes.certificate), .full(isTLS13: false)),
    ]

    private func flight(_ bytes: [UInt8]) -> ServerFlight {
        ServerFlight(ByteBuffer(bytes: bytes).readableBytesView)
    }

    @Test(arguments: known)
    func tells(bytes: [UInt8], expected: ServerFlight) {
        #expect(flight(bytes) == expected)
        #expect(flight(bytes + [22, 3, 3, 0, 1, 0]) == expected, "what follows does not matter")
    }

    @Test(arguments: known)
    func waitsUntilItCanTell(bytes: [UInt8], expected: ServerFlight) {
        var told = false
        for length in 0...bytes.count {
            switch flight(Array(bytes[..<length])) {
            case .incomplete: #expect(!told)
            case expected: told = true
            default: Issue.record("after \(length) bytes")
            }
        }
        #expect(told)
    }

    @Test(arguments: known)
    func fragmentsAreThereToBeJoined(bytes: [UInt8], expected: ServerFlight) throws {
        // The handshake messages of the first record, each byte in a record of its own.
        let length = Int(bytes[3]) << 8 | Int(bytes[4])
        let pieces = bytes[5..<(5 + length)].flatMap { FlightBytes.record(22, [$0]) }
        #expect(flight(pieces + bytes[(5 + length)...]) == expected)
    }

    static let malformed: [[UInt8]] = [
        [0], [21, 3, 3, 0, 2, 2, 40], [23, 3, 3, 0, 1, 0], Array("HTTP/1.1 400 Bad Request".utf8),
        // ChangeCipherSpec out of place, other versions, empty and oversized records.
        FlightBytes.changeCipherSpec, [22, 2, 3, 0, 4, 2, 0, 0, 0], [22, 3, 3, 0, 0], [22, 3, 3, 0xFF, 0xFF],
        // Not a ServerHello, a HelloRequest.
        FlightBytes.record(22, FlightBytes.certificate), FlightBytes.record(22, [0, 0, 0, 0]),
        // Cut short inside: version, session id, suite, extensions.
        FlightBytes.record(22, FlightBytes.message(2, [3, 3])),
        FlightBytes.record(22, FlightBytes.message(2, [3, 3] + [UInt8](repeating: 0, count: 32) + [33])),
        FlightBytes.record(22, FlightBytes.message(2, [3, 3] + [UInt8](repeating: 0, count: 32) + [8, 1])),
        FlightBytes.record(22, FlightBytes.message(2, [3, 3] + [UInt8](repeating: 0, count: 32) + [0, 1])),
        FlightBytes.record(22, FlightBytes.hello(extensions: [[0, 43, 0, 9, 3]])),
        FlightBytes.record(22, FlightBytes.hello(extensions: [[0, 43, 0]])),
        // A message that claims to be longer than any flight.
        FlightBytes.record(22, [2, 0xFF, 0xFF, 0xFF, 3, 3]),
        FlightBytes.record(22, FlightBytes.hello()) + [21, 3, 3, 0, 2, 2, 80],
    ]

    @Test(arguments: malformed)
    func malformedOnesAreOther(bytes: [UInt8]) {
        let flight = flight(bytes)
        #expect(flight == .other || flight == .incomplete)
    }

    @Test func moreThanAnyFlightIsOther() {
        let header = FlightBytes.record(22, [2, 0, 0x60, 0])
        let filler = (0..<4).flatMap { _ in FlightBytes.record(22, [UInt8](repeating: 0, count: 16_000)) }
        #expect(flight(header + filler) == .other)
    }

    @Test func noBytesAtAllTrap() {
        var generator = SeededGenerator(seed: 11)
        for (bytes, _) in Self.known {
            for _ in 0..<2_000 {
                var mutated = bytes
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    mutated[Int.random(in: 0..<mutated.count, using: &generator)] = .random(
                        in: 0...255, using: &generator)
                }
                mutated.removeLast(Int.random(in: 0..<mutated.count, using: &generator))
                _ = flight(mutated)
            }
        }
    }
}
