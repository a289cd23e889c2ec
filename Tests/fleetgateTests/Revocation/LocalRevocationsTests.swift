import AdminAPI
import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS
import Synchronization
import Testing

@testable import fleetgate

@Suite struct LocalRevocationsTests {
    private static let moment = Date(timeIntervalSince1970: 1_800_000_000)

    private func revocation(_ byte: UInt8) -> LocalRevocation {
        LocalRevocation(
            .fingerprint(Array(repeating: byte, count: 32)), reason: .keyCompromise, revokedAt: Self.moment,
            by: "alice",
            note: "CN=x")
    }

    @Test func isThereAfterARestart() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/revocations.json"
        let ca = try ListingCA()
        let byNumber = LocalRevocation(
            .certificate(try ca.certificateID("000a0b")), reason: .caCompromise, revokedAt: Self.moment, by: "bob",
            note: "")
        let first = try LocalRevocations(path: path)
        #expect(try await first.add([revocation(1), byNumber]).count == 2)
        #expect(try await first.add([revocation(1)]).isEmpty)
        let second = try LocalRevocations(path: path)
        #expect(await second.all == [revocation(1), byNumber])
        let (certificates, fingerprints, _) = await second.revoked
        #expect(fingerprints[Array(repeating: 1, count: 32)]?.source == .operator)
        #expect(fingerprints[Array(repeating: 1, count: 32)]?.revokedAt == 1_800_000_000)
        #expect(certificates[try ca.certificateID("0a0b")]?.reason == .caCompromise)
        #expect(try folder.mode("revocations.json") == 0o640)
        #expect(try await second.remove { $0.by == "alice" }.count == 1)
        #expect(try await LocalRevocations(path: path).all == [byNumber])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["revocations.json"])
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"version":2,"revocations":[]}"#, #"{"version":1}"#,
        #"{"version":1,"revocations":[{"reason":"superseded","revoked-at":"2026-01-01T00:00:00Z","by":"a","note":""}]}"#,
        #"{"version":1,"revocations":[{"fingerprint":"00","reason":"superseded","revoked-at":"2026-01-01T00:00:00Z","by":"a","note":""}]}"#,
    ])
    func aBrokenFileIsAnError(_ text: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(text, to: "revocations.json")
        #expect(throws: RevocationProblem.self) { try LocalRevocations(path: path) }
        #expect(try folder.text("revocations.json") == text)
    }

    @Test func aFileThatCannotBeFoundOutAboutIsNoEmptyOne() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/revocations.json"
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: folder.path + "/gone.json")
        #expect(throws: RevocationProblem.self) { try LocalRevocations(path: path) }
        // A part of the path that is no folder: neither can be told.
        let file = try folder.write("x", to: "file")
        #expect(throws: RevocationProblem.self) { try LocalRevocations(path: file + "/revocations.json") }
        try FileManager.default.removeItem(atPath: path)
        _ = try LocalRevocations(path: path)
    }

    @Test func whoeverChangesTheFileIsAlone() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/revocations.json"
        var gateway: LocalRevocations? = try LocalRevocations(path: path, isExclusive: true)
        _ = try await gateway?.add([revocation(1)])
        #expect { try LocalRevocations(path: path, isExclusive: true) } throws: { error in
            (error as? RevocationProblem)?.reason == "in-use"
        }
        // To look at it is no change.
        #expect(try await LocalRevocations(path: path).all == [revocation(1)])
        gateway = nil
        let command = try LocalRevocations(path: path, isExclusive: true)
        _ = try await command.add([revocation(2)])
        #expect(await command.all == [revocation(1), revocation(2)])
    }

    @Test func eachStateHasARevisionOfItsOwn() async throws {
        let folder = try TemporaryFolder()
        let locals = try LocalRevocations(path: folder.path + "/revocations.json")
        let before = await locals.revoked.revision
        _ = try await locals.add([revocation(1)])
        let after = await locals.revoked.revision
        #expect(after > before)
        _ = try await locals.add([revocation(1)])
        #expect(await locals.revoked.revision == after)
        _ = try await locals.remove { _ in true }
        #expect(await locals.revoked.revision > after)
    }

    @Test func whatCannotBeWrittenIsNotRevoked() async throws {
        let folder = try TemporaryFolder()
        let locals = try LocalRevocations(path: folder.path + "/no/such/folder/revocations.json")
        await #expect(throws: RevocationProblem.self) { try await locals.add([revocation(1)]) }
        #expect(await locals.all.isEmpty)
    }

    @Test func reasonsHaveNames() {
        for reason in RevocationReason.allCases { #expect(RevocationReason(name: reason.name) == reason) }
        #expect(RevocationReason(name: "key-compromise") == .keyCompromise)
        #expect(RevocationReason(name: "AA-Compromise") == .attributeAuthorityCompromise)
        #expect(RevocationReason(name: "") == nil)
        #expect(RevocationReason(name: "stolen") == nil)
    }

    // MARK: By the socket, and by the file

    private func command(
        _ action: RevocationExchange.Command.Action, _ target: RevocationExchange.Target, reason: String = "unspecified"
    ) -> RevocationExchange.Command {
        RevocationExchange.Command(action: action, target: target, reason: reason, note: "")
    }

    @Test func theSameByTheSocketAndByTheFile() async throws {
        let gate = try RegistryGate()
        let (bench, ca) = (StoreBench(), try ListingCA())
        await bench.observe()
        let locals = try LocalRevocations(path: LocalRevocations.path(besideRegistry: gate.location.registryPath ?? ""))
        let device = try #require(DeviceKey(parsing: "hamburg/meter-1"))
        let live = [LiveCertificate(fingerprint: Array(repeating: 9, count: 32), subject: "CN=meter-1")]
        let audited = Mutex<[String]>([])
        let routes = ControlRoutes.revocation(
            store: bench.store, locals: locals, certificates: { $0 == device ? live : [] },
            changed: { actor, command, _ in audited.withLock { $0.append("\(actor) \(command.action.rawValue)") } })
        let commands: [RevocationExchange.Command] = [
            command(.revoke, .fingerprint(String(repeating: "AB", count: 32)), reason: "keyCompromise"),
            command(.revoke, .fingerprint(String(repeating: "ab", count: 32))),
            command(.revoke, .fingerprint("ab")), command(.revoke, .fingerprint("xyz")),
            command(.revoke, .fingerprint(String(repeating: "01", count: 32)), reason: "because"),
            command(.revoke, .fingerprint(String(repeating: "01", count: 32)), reason: "removeFromCRL"),
            command(
                .revoke, .certificate(issuer: HexadecimalText.text(try ca.id.bytes), serialNumber: "00:0a")),
            command(.revoke, .certificate(issuer: "00", serialNumber: "0a")),
            command(.revoke, .certificate(issuer: HexadecimalText.text(try ca.id.bytes), serialNumber: "")),
            command(
                .revoke,
                .certificate(
                    issuer: HexadecimalText.text(try ca.id.bytes), serialNumber: String(repeating: "01", count: 22))),
            command(.undo, .certificate(issuer: HexadecimalText.text(try ca.id.bytes), serialNumber: "0a")),
            command(.undo, .fingerprint(String(repeating: "02", count: 32))),
        ]
        @Sendable func story() async throws -> [String] {
            let access = try await RevocationAccess.open(gate.location, isForChange: true)
            var story: [String] = []
            for command in commands {
                do {
                    let outcome = try await access.apply(command)
                    story.append(outcome.changed.map { $0.certificateText + $0.reason }.joined())
                } catch let failure as ControlFailure {
                    story.append(failure.code)
                }
            }
            let items = CollectedItems<LocalRevocation>()
            try await access.list { await items.append($0) }
            return story + (await items.all).map(\.certificateText)
        }
        let byFile = try await story()
        #expect(byFile.filter { $0 == "bad-target" }.count == 5)
        #expect(byFile.filter { $0 == "bad-reason" }.count == 2)
        #expect(byFile.last == "sha256 \(String(repeating: "ab", count: 32))")
        try FileManager.default.removeItem(atPath: locals.path)
        try await gate.whileRunning(routes) {
            #expect(try await story() == byFile)
            // The gateway counts the sessions of what is new; of an undone one there are none.
            let access = try await RevocationAccess.open(gate.location, isForChange: true)
            let outcome = try await access.apply(self.command(.revoke, .device(device)))
            #expect(outcome.changed.map(\.device) == ["hamburg/meter-1"])
            #expect(outcome.changed.map(\.note) == ["CN=meter-1"])
            #expect(outcome.sessionsEnded == 1)
            #expect(await bench.store.parts.revokedFingerprints[Array(repeating: 9, count: 32)] != nil)
            #expect(try await access.apply(self.command(.undo, .device(device))).changed.count == 1)
            #expect(await bench.store.parts.revokedFingerprints[Array(repeating: 9, count: 32)] == nil)
            do {
                _ = try await access.apply(
                    self.command(.revoke, .device(try #require(DeviceKey(parsing: "nobody")))))
                Issue.record("nobody is live")
            } catch let failure as ControlFailure {
                #expect(failure.code == "not-live")
            }
        }
        #expect(audited.withLock { $0.count } > 3)
        // Of nobody who runs no device is live.
        let access = try await RevocationAccess.open(gate.location, isForChange: true)
        do {
            _ = try await access.apply(command(.revoke, .device(device)))
            Issue.record("no gateway runs")
        } catch let failure as ControlFailure {
            #expect(failure.code == "not-live")
        }
    }

    /// A fingerprint is the certificate's only as long as nobody gives its ECDSA signature the other form.
    @Test func aCertificateIsRevokedByIssuerAndSerialNumberWhereItsIssuerIsKnown() async throws {
        let gate = try RegistryGate()
        let (bench, ca, other) = (StoreBench(), try ListingCA(), try ListingCA())
        await bench.observe()
        await bench.store.adopt(authorities: [try other.certificate, try ca.certificate], settings: .test([]))
        let issued = try ca.authority.issue(.init(subject: [("CN", "meter")]))
        let der = try CertificateFile(contents: Array(issued.certificatePEM.utf8)).der
        let leaf = RevocationExchange.Target.leaf(HexadecimalText.text(der))
        let id = CertificateID(
            issuer: try ca.id, serialNumber: try PeerCertificate(parsing: der).serialNumber)
        let live = LiveCertificate(fingerprint: Array(repeating: 9, count: 32), certificate: id, subject: "CN=meter")
        let device = try #require(DeviceKey(parsing: "hamburg/meter-1"))
        // With no gateway no issuer is known: the fingerprint is all there is.
        do {
            let file = try await RevocationAccess.open(gate.location, isForChange: true)
            #expect(try await file.apply(command(.revoke, leaf)).changed.map(\.isByFingerprint) == [true])
        }
        let locals = try LocalRevocations(path: LocalRevocations.path(besideRegistry: gate.location.registryPath ?? ""))
        let routes = ControlRoutes.revocation(store: bench.store, locals: locals, certificates: { _ in [live] })
        try await gate.whileRunning(routes) {
            let access = try await RevocationAccess.open(gate.location, isForChange: true)
            #expect(try await access.apply(self.command(.revoke, leaf)).changed.map(\.target) == [.certificate(id)])
            #expect(await bench.store.parts.revoked[id] != nil)
            // The device's certificate is the same one.
            #expect(try await access.apply(self.command(.revoke, .device(device))).changed.isEmpty)
            _ = try await access.apply(self.command(.undo, leaf))
            #expect(await bench.store.parts.revoked[id] == nil)
            for wrong in ["", "xyz", "3000", HexadecimalText.text(der.dropLast())] {
                do {
                    _ = try await access.apply(self.command(.revoke, .leaf(wrong)))
                    Issue.record("\(wrong) is no certificate")
                } catch let failure as ControlFailure {
                    #expect(failure.code == "bad-target")
                }
            }
        }
    }

    @Test func statusOverTheSocket() async throws {
        let gate = try RegistryGate()
        let (bench, ca, folder) = (StoreBench(), try ListingCA(), try TemporaryFolder())
        let path = try folder.write(try ca.list(["0a"]), to: "ca.crl")
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.file(path)]))
        let locals = try LocalRevocations(path: folder.path + "/revocations.json")
        let routes = ControlRoutes.revocation(store: bench.store, locals: locals, certificates: { _ in [] })
        try await gate.whileRunning(routes) {
            let items = CollectedItems<RevocationExchange.StatusItem>()
            let status: RevocationStatus = try await gate.client.call(RevocationExchange.statusRoute, ControlDone()) {
                (item: RevocationExchange.StatusItem) in await items.append(item)
            }
            #expect(status.localRevocations == 0)
            #expect(await items.all.count == 2)
            let whole = RevocationStatus(
                authorities: await bench.store.statuses(), sources: await bench.store.sourceStatuses(),
                localRevocations: 0)
            let text = CRLStatusCommand.text(whole)
            #expect(text.contains("in-force") && text.contains(path) && text.contains("AUTHORITY"))
        }
    }
}

@Suite struct RevocationCommandTests {
    @Test(arguments: [
        [], ["--list", "--undo"], ["--cert", "a", "--fingerprint", String(repeating: "0", count: 64)],
        ["--fingerprint", "00"], ["--issuer", "a"], ["--serial", "0a"], ["--issuer", "a", "--serial", "x"],
        ["--issuer", "a", "--serial", String(repeating: "0", count: 44)], ["--device", "a/b/c"],
        ["--cert", "a", "--reason", "whim"], ["--passphrase-file", "p"], ["--list", "--cert", "a"],
        ["--cert", "a", "--reason", "remove-from-crl"],
    ])
    func wrongArgumentsAreRefused(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try RevokeCommand.parse(["--socket", "s"] + arguments) }
    }

    @Test func namesACertificate() throws {
        let (folder, ca) = (try TemporaryFolder(), try ListingCA())
        let device = try ca.authority.issue(.init(subject: [("CN", "meter")]))
        let path = try folder.write(device.certificatePEM, to: "meter.pem")
        let anchor = try folder.write(try ca.authority.certificatePEM, to: "ca.pem")
        let own = try CertificateFile(contents: Array(device.certificatePEM.utf8))
        let byFile = try RevokeCommand.parse(["--socket", "s", "--cert", path]).certificate.target()
        #expect(byFile.target == .leaf(HexadecimalText.text(own.der)))
        #expect(byFile.subject == "CN=meter")
        for serial in ["A:0F", "a0f", "0x0A0F", "0a0f"] {
            let byNumber = try RevokeCommand.parse(["--socket", "s", "--issuer", anchor, "--serial", serial])
            #expect(
                try byNumber.certificate.target().target
                    == .certificate(issuer: HexadecimalText.text(ca.id.bytes), serialNumber: "0a0f"))
        }
        // The certificate of a CA is none that a device presents.
        #expect(throws: CommandFailure.self) {
            try RevokeCommand.parse(["--socket", "s", "--cert", anchor]).certificate.target()
        }
        #expect(throws: CommandFailure.self) {
            try RevokeCommand.parse(["--socket", "s", "--issuer", path, "--serial", "01"]).certificate.target()
        }
    }

    @Test func checksAList() throws {
        let ca = try ListingCA()
        var known = KnownAuthorities()
        known.insert(try ca.certificate)
        let now = Int64(ListingCA.moment.timeIntervalSince1970) + 10
        let good = CRLReport(der: try ca.list(["0a"], number: 300), issuers: known, now: now)
        #expect(good.isAcceptable)
        #expect((good.signature, good.entries, good.number) == (.good, 1, "012c"))
        #expect(good.text.contains("Issuer:") && good.text.contains("good"))
        #expect(CRLReport(der: try ca.list(), issuers: nil, now: now).signature == .notChecked)
        let old = CRLReport(der: try ca.list(), issuers: known, now: now + 1_000_000)
        #expect(old.isOutdated && !old.isAcceptable && old.problem == nil)
        let other = CRLReport(der: try ListingCA("Other").list(), issuers: known, now: now)
        #expect((other.signature, other.problem?.reason) == (.bad, "unknown-issuer"))
        let future = CRLReport(der: try ca.list(thisUpdate: 5000), issuers: known, now: now)
        #expect((future.signature, future.problem?.reason) == (.good, "not-yet-valid"))
        let rubbish = CRLReport(der: [1, 2, 3], issuers: known, now: now)
        #expect(rubbish.problem?.reason == "malformed-crl")
        #expect(!rubbish.text.contains("Signature"))
    }
}
