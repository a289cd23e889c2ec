import ArgumentParser
import DeviceRegistry
import Foundation
import Synchronization
import Testing

@testable import fleetgate

@Suite struct CertsCommandTests {
    private let gate: ObservationGate
    private let now = DeviceTimes.now

    init() throws { gate = try ObservationGate() }

    private func certificate(
        _ number: Int, device: String, days: Int64, _ change: (inout ObservedCertificate) -> Void = { _ in }
    ) -> ObservedCertificate {
        let digits = String(repeating: "\(number)", count: 64)
        var certificate = ObservedCertificate(
            fingerprint: digits, subject: "CN=meter-\(number)", alternativeNames: ["dns:m\(number)"], issuer: "CN=CA",
            issuerID: nil, serialNumber: "0a0\(number)", notBefore: now - 1000, notAfter: now + days * 86_400 + 60,
            keyAlgorithm: "P-256", keyBits: 256, keyHash: digits, signatureAlgorithm: "ecdsa-with-SHA256",
            seenAt: now - 10, address: "192.0.2.7", device: device, profile: "meter", anchor: "factory",
            der: [0x30, 0x01, 0x00])
        change(&certificate)
        return certificate
    }

    private func source() async throws -> FileObservations {
        gate.store.record(certificate(1, device: "default/a", days: 10))
        gate.store.record(certificate(2, device: "default/b", days: 100))
        gate.store.record(certificate(3, device: "default/c", days: -3))
        gate.store.record(certificate(4, device: "default/a", days: 300))
        gate.store.record(
            certificate(5, device: "default/d", days: 50) {
                $0.keyAlgorithm = "RSA"
                $0.keyBits = 2048
                $0.subject = "CN=\u{1B}[31m"
            })
        try await gate.store.flush(at: now)
        return try FileObservations(path: gate.location.observationsPath ?? "")
    }

    private func listed(
        _ source: any ObservationSource, _ query: CertificateQuery, _ options: String...
    ) async throws -> String {
        let printed = PrintedLines()
        try await CertificateFilterOptions.parse(options).list(query, of: source, now: now) { printed.print($0) }
        return printed.text
    }

    @Test(arguments: CertsCommand.configuration.subcommands.map { $0.configuration.commandName ?? "" })
    func everyCommandHasHelpWithExamples(name: String) throws {
        let command = try #require(
            CertsCommand.configuration.subcommands.first { $0.configuration.commandName == name })
        let help = command.helpMessage(columns: 80)
        #expect(help.contains("EXAMPLES"))
        for line in help.split(separator: "\n") where !line.hasPrefix("USAGE: ") {
            #expect(line.count <= 80, "\(line)")
        }
    }

    @Test(arguments: [
        ["list", "--limit", "0"], ["list", "--seen-since", "1d", "--not-seen-since", "2d"],
        ["expiring", "--within", "x"],
        ["expiring", "--within", "-1d"], ["expiring", "--within", "99999999999999d"], ["weak", "--rsa-bits", "5"],
        ["weak", "--days", "0"], ["show"], ["show", ""], ["show", "a", "--pem", "--json"],
        ["clones", "--clear", "abcd"], ["clones", "--clear", String(repeating: "x", count: 64)], ["gone"],
    ])
    func aWrongCommandLineIsRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try CertsCommand.parseAsRoot(arguments + ["--socket", "/s"]) }
    }

    @Test func expiringOnesAreListed() async throws {
        let source = try await source()
        let soon = try CertsExpiringCommand.parse(["--socket", "/s", "--within", "30d"])
        let text = try await listed(source, soon.query(now: now))
        #expect(text.contains("in 10 days, renewed"))
        #expect(text.hasSuffix("1 certificate"))
        let fresh = try CertsExpiringCommand.parse(["--socket", "/s", "--within", "60d", "--not-renewed", "--expired"])
        let all = try await listed(source, fresh.query(now: now), "--json")
        let array = try #require(try JSONSerialization.jsonObject(with: Data(all.utf8)) as? [[String: Any]])
        #expect(array.compactMap { $0["device"] as? String } == ["default/c", "default/d"])
    }

    @Test func aListingIsCutOffAndSaysSo() async throws {
        let source = try await source()
        let text = try await listed(source, CertificateQuery(), "--limit", "2")
        #expect(text.hasSuffix("2 certificates (there may be more: --limit)"))
        #expect(text.hasPrefix("EXPIRES"))
    }

    @Test func weakOnesSayWhy() async throws {
        let source = try await source()
        var query = CertificateQuery()
        query.weakness = CertificateQuery.Weakness()
        #expect(try await listed(source, query).contains("RSA key of 2048 bits, below 3072"))
        let json = try await listed(source, query, "--json")
        let array = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
        #expect((array.first?["weaknesses"] as? [String])?.count == 1)
    }

    /// The store chooses, and these words say why: no row without words, no words without a row.
    @Test func wordsAndChoiceAgree() async throws {
        let variants: [(String, Int, String, Int64)] = [
            ("RSA", 2047, "", 1), ("RSA", 3072, "", 1), ("RSA", 4096, "SHA1WithRSAEncryption", 1),
            ("P-256", 256, "ecdsa-with-SHA1", 1), ("P-521", 521, "", 1), ("1.2.3", 0, "", 1), ("Ed25519", 256, "", 1),
            ("P-384", 384, "md5WithRSAEncryption", 1), ("P-256", 256, "", 9999),
        ]
        for (number, variant) in variants.enumerated() {
            gate.store.record(
                certificate(number + 1, device: "", days: variant.3) {
                    ($0.keyAlgorithm, $0.keyBits, $0.signatureAlgorithm) = (variant.0, variant.1, variant.2)
                })
        }
        try await gate.store.flush(at: now)
        var query = CertificateQuery()
        let all = try await gate.store.certificates(query)
        query.weakness = CertificateQuery.Weakness()
        let chosen = Set(try await gate.store.certificates(query).map(\.fingerprint))
        for certificate in all {
            let words = CertificateWeaknesses.text(certificate, CertificateQuery.Weakness())
            #expect(words.isEmpty == !chosen.contains(certificate.fingerprint), "\(certificate.keyAlgorithm) \(words)")
        }
    }

    @Test(arguments: [
        ("a", ["CN=meter-1", "CN=meter-4"]), ("default/b", ["CN=meter-2"]), ("33333333", ["CN=meter-3"]),
        ("44:44:44:44", ["CN=meter-4"]), ("0A01", ["CN=meter-1"]),
    ])
    func certificatesAreShownByWhatNamesThem(name: String, subjects: [String]) async throws {
        let source = try await source()
        let printed = PrintedLines()
        try await CertsShowCommand.parse(["--socket", "/s", name, "--json"]).show(source) { printed.print($0) }
        let array = try #require(
            try JSONSerialization.jsonObject(with: Data(printed.text.utf8)) as? [[String: Any]])
        #expect(array.compactMap { $0["subject"] as? String } == subjects)
        #expect(array.allSatisfy { ($0["pem"] as? String)?.hasPrefix("-----BEGIN CERTIFICATE-----\nMAEA\n") == true })
    }

    @Test func whatIsNotKnownFails() async throws {
        let source = try await source()
        for name in ["nobody", "99999999", "\u{1B}[2J"] {
            let command = try CertsShowCommand.parse(["--socket", "/s", name])
            let error = await #expect(throws: CommandFailure.self) { try await command.show(source) { _ in } }
            #expect(error?.description.contains("\u{1B}") == false)
        }
    }

    @Test func textIsMadeVisible() async throws {
        let source = try await source()
        let printed = PrintedLines()
        try await CertsShowCommand.parse(["--socket", "/s", "default/d"]).show(source) { printed.print($0) }
        #expect(printed.text.contains("\\u{1b}[31m"))
        #expect(try await !listed(source, CertificateQuery()).contains("\u{1B}"))
    }

    @Test func duplicatesAreListed() async throws {
        let source = try await source()
        for options in [[], ["--json"]] {
            let printed = PrintedLines()
            try await CertsDuplicatesCommand.parse(["--socket", "/s"] + options).list(source) { printed.print($0) }
            #expect(printed.text.contains("several-valid"))
            #expect(printed.text.contains("default/a"))
        }
    }

    @Test func clonesAreListedAndCleared() async throws {
        let fingerprint = [UInt8](repeating: 0x11, count: 32)
        let networks = ["192.0.2.7", "198.51.100.9"].compactMap(ClientNetwork.init(address:))
        var detector = CloneDetector(thresholds: CloneThresholds())
        for index in 0..<8 {
            guard
                let sign = detector.began(
                    fingerprint, from: networks[index % 2], connection: UInt64(index), at: now + Int64(index))
            else { continue }
            await gate.suspicions.add(sign)
        }
        let gate = gate
        let hexadecimal = String(repeating: "11", count: 32)
        try await gate.whileRunning {
            let source = try await ObservationAccess.source(at: gate.location)
            for options in [[], ["--json"]] {
                let printed = PrintedLines()
                try await CertsClonesCommand.parse(["--socket", "/s"] + options).list(source) { printed.print($0) }
                #expect(printed.text.contains(hexadecimal))
                #expect(printed.text.contains("198.51.100.0/24"))
            }
            #expect(try await source.clearSuspicion(of: hexadecimal))
            #expect(try await !source.clearSuspicion(of: hexadecimal))
            await #expect(throws: (any Error).self) { _ = try await source.clearSuspicion(of: "abcd") }
        }
        #expect(gate.published.sets.withLock { $0 } == [[fingerprint], []])
        let printed = PrintedLines()
        let file = try FileObservations(path: gate.location.observationsPath ?? "")
        try await CertsClonesCommand.parse(["--socket", "/s"]).list(file) { printed.print($0) }
        #expect(printed.text == "none")
    }
}
