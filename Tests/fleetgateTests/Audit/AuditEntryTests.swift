import DeviceRegistry
import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS
import Testing

@testable import Gateway
@testable import fleetgate

@Suite struct AuditEntryTests {
    private let connection = ConnectionDescription(id: 7, remoteAddress: "192.0.2.7:50312", listener: "default")
    private let device = DeviceDescription(
        deviceID: "meter-4711", tenant: "elbe", profile: "smart-meter", quarantine: .cloned)
    private let date = Date(timeIntervalSince1970: 1_795_222_800.125)

    private func certificate(_ commonName: String = "meter-4711") throws -> PeerCertificate {
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Root")
        let issued = try root.issue(CertificateTemplate(subject: [("CN", commonName)], purpose: .client))
        let chain = try PeerCertificate.reading(Array(issued.chainPEM.utf8))
        return try #require(chain.first)
    }

    private func handshake(_ certificate: PeerCertificate) throws -> HandshakeDescription {
        let authority = try #require(AuthorityID(Array(repeating: 9, count: 32)))
        return HandshakeDescription(
            version: .v1_3, serverName: "gate.example", isResumed: true,
            certificateSHA256: certificate.sha256Fingerprint,
            certificate: CertificateID(issuer: authority, serialNumber: certificate.serialNumber),
            trustAnchorSHA256: Array(repeating: 5, count: 32), finishedAt: 1_795_222_790)
    }

    private func line(_ entry: AuditEntry) throws -> AuditLine {
        var chain = AuditChain()
        return try #require(AuditLine(chain.line(entry)[...]))
    }

    @Test func anEstablishedSessionSaysWhoWithWhatAndWhere() throws {
        let certificate = try certificate()
        let event = GatewayEvent.sessionEstablished(
            connection: connection, device: device, certificate: certificate, clientID: "elbe/meter-4711",
            handshake: try handshake(certificate))
        let entry = try #require(AuditEntry(event: event, at: date) { _ in "factory" })
        let line = try line(entry)
        #expect(line.time == "2026-11-21T01:00:00.125Z" && line.kind == "decision")
        #expect(
            line.fields.map(\.name) == [
                "outcome", "device", "tenant", "profile", "quarantine", "client-id", "certificate", "subject", "issuer",
                "serial", "not-after", "trust-anchor", "trust-anchor-sha256", "connection", "address", "listener",
                "sni",
                "tls", "resumed",
            ])
        #expect(line.text(.trustAnchor) == "factory" && line.text(.quarantine) == "cloned")
        #expect(line.text(.certificate) == certificate.sha256FingerprintHex)
    }

    @Test func fieldsStandInOneOrderEverywhere() throws {
        let certificate = try certificate()
        let end = SessionEnd(.certificateExpired, .device, answer: nil, "the certificate has expired")
        let events: [GatewayEvent] = [
            .sessionEnded(connection: connection, device: device, handshake: try handshake(certificate), end: end),
            .policyDenied(
                connection: connection, certificate: certificate, reason: "certificate-revoked", detail: "listed",
                clientHello: nil),
        ]
        var entries = events.compactMap { AuditEntry(event: $0, at: date) }
        entries.append(
            .administration(actor: "a", action: "b", target: "c", before: "d", after: "e", detail: "f"))
        let order = Dictionary(uniqueKeysWithValues: AuditKey.allCases.enumerated().map { ($1, $0) })
        for entry in entries {
            let places = entry.fields.compactMap { order[$0.key] }
            #expect(places == places.sorted(), "\(entry.kind)")
            #expect(Set(places).count == places.count)
        }
        #expect(entries.first?.fields.contains(.number(.milliseconds, 10_125)) == true)
    }

    @Test func textsThatACertificateChoseCannotEndALineOrSteerATerminal() throws {
        let hostile = "a\u{1B}[2J\n{\"seq\":1}\u{202E}\"\\\u{0}\u{2028}Ünïcödé 😀\u{E000}"
        let entry = AuditEntry(.decision, at: 0, [.text(.subject, hostile)])
        var chain = AuditChain()
        let bytes = chain.line(entry)
        #expect(!bytes.contains { $0 < 0x20 })
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(!text.unicodeScalars.contains { $0.value == 0x202E || $0.value == 0x2028 })
        #expect(AuditLine(bytes[...])?.text(.subject) == hostile)
        // And for others.
        let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        #expect(object?["subject"] as? String == hostile)
        // What a terminal is shown.
        let line = try #require(AuditLine(bytes[...]))
        #expect(!AuditLineText.line(line).unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
        #expect(!AuditLineText.fields(line, file: "f").contains("\u{1B}"))
    }

    @Test func texts() {
        var line: [UInt8] = []
        AuditText.appendJSON(String(repeating: "ä", count: 2_000), to: &line)
        #expect(line.count <= AuditLimits.textBytes + 5)
        #expect(String(validating: line, as: UTF8.self)?.hasSuffix("…\"") == true)
        #expect(UTCTime.text(0) == "1970-01-01T00:00:00.000Z")
        #expect(UTCTime.text(951_782_400_000) == "2000-02-29T00:00:00.000Z")
        #expect(UTCTime.text(-5) == "1970-01-01T00:00:00.000Z")
        #expect(UTCTime.text(.max) == "9999-12-31T23:59:59.999Z")
        for milliseconds in stride(from: Int64(0), to: 4_102_444_800_000, by: 8_639_999_937) {
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
            #expect(UTCTime.text(milliseconds).prefix(19) == date.formatted(.iso8601).prefix(19))
        }
    }

    @Test func whatIsNotALineIsNotRead() {
        let zeros = String(repeating: "0", count: 64)
        let good = "{\"seq\":1,\"previous\":\"\(zeros)\",\"time\":\"2026-11-21T01:00:00.125Z\",\"kind\":\"started\"}"
        #expect(AuditLine(Array(good.utf8)[...]) != nil)
        let bad = [
            "", "{", "{}", "[]", "null", good + " ", " " + good, good + good,
            good.replacing("\"seq\":1", with: "\"seq\":01"), good.replacing("\"seq\":1", with: "\"seq\":-1"),
            good.replacing("\"seq\":1", with: "\"seq\":0"), good.replacing("\"seq\":1", with: "\"seq\":1e3"),
            good.replacing("\"seq\":1", with: "\"seq\":9999999999999999999"), good.replacing(zeros, with: "00"),
            good.replacing(zeros, with: zeros.replacing("0", with: "G")), good.replacing("started\"", with: "started"),
            good.replacing("started", with: "\\x"), good.replacing("started", with: "\\ud800"),
            good.replacing("started", with: "\\u12"), good.replacing("}", with: ",}"),
            good.replacing("}", with: ",\"kind\":\"x\"}"), good.replacing("}", with: ",\"a\":{}}"),
            good.replacing("}", with: ",\"a\":[]}"), good.replacing("}", with: ",\"a\":null}"),
        ]
        for text in bad { #expect(AuditLine(Array(text.utf8)[...]) == nil, "\(text)") }
        for count in 0..<good.utf8.count { #expect(AuditLine(Array(good.utf8)[..<count]) == nil) }
        #expect(AuditLine(Array(good.utf8).map { $0 == 0x73 ? 0xFF : $0 }[...]) == nil)
    }

    @Test func aFloodOfRefusalsIsSummedUp() throws {
        var sums = AuditSums()
        let failed = GatewayEvent.handshakeFailed(
            connection: connection, error: TLSError(code: .unknownCA, fault: .peer, detail: "no"))
        for _ in 0..<100_000 {
            let entry = try #require(AuditEntry(event: failed, at: date))
            let taken1 = sums.admits(entry)
            #expect(!taken1)
        }
        let refused = AuditEntry(
            event: .connectionsRefused(reason: "address-rate", count: 5_000), at: date)
        let taken2 = try sums.admits(#require(refused))
        #expect(!taken2)
        let now = UTCTime.milliseconds(date)
        let taken3 = sums.flush(now: now, all: false)
        #expect(taken3.isEmpty)
        let lines = sums.flush(now: now + 60_000, all: false)
        #expect(lines.count == 2)
        #expect(Set(lines.compactMap { try? line($0).number(.count) }) == [100_000, 5_000])
        let taken4 = sums.flush(now: now + 120_000, all: true)
        #expect(taken4.isEmpty)
    }

    @Test func verifiedCertificatesAreWrittenOneByOneUpToARate() throws {
        var sums = AuditSums()
        let certificate = try certificate()
        let denied = GatewayEvent.policyDenied(
            connection: connection, certificate: certificate, reason: "no-profile", detail: "none", clientHello: nil)
        let entry = try #require(AuditEntry(event: denied, at: date))
        let written = (0..<5_000).count { _ in sums.admits(entry) }
        #expect(written == AuditLimits.refusalsPerMinute)
        let rest = sums.flush(now: entry.milliseconds, all: true)
        #expect(try rest.map { try line($0).number(.count) } == [Int64(5_000 - written)])
        // In the next minute there is room again.
        let later = try #require(AuditEntry(event: denied, at: date.addingTimeInterval(60)))
        let taken5 = sums.admits(later)
        #expect(taken5)
    }

    @Test func theEndOfASessionThatBeganIsAlwaysWritten() throws {
        var sums = AuditSums()
        let certificate = try certificate()
        let end = SessionEnd(.deviceClosed, .network, answer: nil, "closed")
        func began(_ id: UInt64) throws -> AuditEntry {
            try #require(
                AuditEntry(
                    event: .sessionEstablished(
                        connection: ConnectionDescription(id: id, remoteAddress: "a", listener: "l"), device: device,
                        certificate: certificate, clientID: "c", handshake: try handshake(certificate)), at: date))
        }
        func ended(_ id: UInt64) throws -> AuditEntry {
            try #require(
                AuditEntry(
                    event: .sessionEnded(
                        connection: ConnectionDescription(id: id, remoteAddress: "a", listener: "l"), device: device,
                        handshake: nil, end: end), at: date))
        }
        for id in 0..<UInt64(1_000) {
            let isWritten = try sums.admits(began(id))
            #expect(isWritten)
        }
        for id in 5_000..<UInt64(7_000) { _ = try sums.admits(ended(id)) }
        for id in 0..<UInt64(1_000) {
            let isWritten = try sums.admits(ended(id))
            #expect(isWritten)
        }
        let taken6 = try sums.admits(ended(0))
        #expect(!taken6)
    }

    @Test func reasonsBeyondTheBoundAreOneSum() {
        var sums = AuditSums()
        for index in 0..<2_000 {
            let sum = AuditSum(.packet, reason: "r", device: "d-\(index)")
            let taken7 = sums.admits(AuditEntry(.refusals, at: 0, volume: .summed(sum, count: 1), []))
            #expect(!taken7)
        }
        let taken8 = sums.flush(now: 0, all: true)
        #expect(taken8.count <= AuditLimits.sumsMax + 1)
    }

    @Test func nothingSecretIsWritten() throws {
        let hash = "$scrypt$n=16384$c2FsdA$aGFzaA"
        let key = DeviceKey(tenant: "elbe", deviceID: "meter-1")
        let log = try AuditFixture()
        let writer = try log.open()
        var change = DeviceChange()
        change.attributes = ["wlan-key": "hunter2-attribute"]
        change.note = "hunter2-note"
        let text = "device,password\\nmeter-2,hunter2-import"
        let commands: [RegistryCommand] = [
            .setPassword(device: key, hash: hash), .change(device: key, change: change),
            .importDevices(devices: DeviceImport(format: .csv, mode: .add, text: text)),
            .retire(device: key, reason: "scrapped"),
        ]
        for command in commands {
            let entry = try #require(AuditEntry.administration(actor: "alice (uid 1000)", command: command))
            try writer.write([entry], now: log.now)
        }
        #expect(AuditEntry.administration(actor: "a", command: .show(device: key)) == nil)
        try log.finish()
        let all = String(decoding: try log.bytes(), as: UTF8.self)
        for secret in ["hunter2", "scrypt", hash, "PRIVATE KEY"] { #expect(!all.contains(secret), "\(secret)") }
        let pem = try log.folder.text("audit/\(AuditFolder.signingKeyName)")
        for part in pem.split(separator: "\n") where !part.hasPrefix("-") { #expect(!all.contains(part)) }
        #expect(all.contains("password set") && all.contains("attribute wlan-key") && all.contains("scrapped"))
    }
}
