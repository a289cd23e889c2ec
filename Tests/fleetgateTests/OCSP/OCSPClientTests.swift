import FleetPKI
import FleetPolicy
import Testing

@testable import fleetgate

@Suite struct OCSPClientTests {
    @Test func keepsAnAnswerUntilItsNextUpdate() async throws {
        let bench = try await OCSPBench()
        let leaf = try bench.leaf()
        #expect(await bench.standing(leaf) == .good)
        bench.clock.advance(.seconds(599))
        #expect(await bench.standing(leaf) == .good)
        #expect(await bench.responder.requests.count == 1)
        bench.clock.advance(.seconds(1))
        #expect(await bench.standing(leaf) == .good)
        #expect(await bench.responder.requests.count == 2)
    }

    @Test func keepsAnAnswerNoLongerThanConfigured() async throws {
        let bench = try await OCSPBench { $0.maxAge = .seconds(100) }
        let leaf = try bench.leaf()
        _ = await bench.standing(leaf)
        bench.clock.advance(.seconds(100))
        _ = await bench.standing(leaf)
        #expect(await bench.responder.requests.count == 2)
    }

    @Test func asksSoonAgainWhenTheResponderDoesNotKnow() async throws {
        let bench = try await OCSPBench()
        let leaf = try bench.leaf()
        await bench.responder.does(.status(.unknown, life: 600))
        #expect(await bench.standing(leaf) == .unknown)
        await bench.responder.does(.status(.good, life: 600))
        bench.clock.advance(.seconds(59))
        #expect(await bench.standing(leaf) == .unknown)
        bench.clock.advance(.seconds(1))
        #expect(await bench.standing(leaf) == .good)
    }

    @Test func asksOnceForManyWhoAskTheSame() async throws {
        let bench = try await OCSPBench()
        let leaf = try bench.leaf()
        await bench.responder.does(.holds)
        let answers = await withTaskGroup(of: OCSPStanding.self) { group in
            for _ in 0..<100 { group.addTask { await bench.standing(leaf) } }
            await bench.responder.received(1)
            await bench.responder.go()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: .good, count: 100))
        #expect(await bench.responder.requests.count == 1)
    }

    @Test func boundsQuestionsInFlight() async throws {
        let bench = try await OCSPBench { $0.concurrency = 3 }
        let leaves = try (0..<10).map { try bench.leaf("meter-\($0)") }
        await bench.responder.does(.holds)
        await withTaskGroup(of: Void.self) { group in
            for leaf in leaves { group.addTask { #expect(await bench.standing(leaf) == .good) } }
            await bench.responder.received(3)
            await bench.responder.go()
        }
        #expect(await bench.responder.inFlightMax <= 3)
        #expect(await bench.responder.requests.count == 10)
    }

    @Test func waitsForItsTurnNoLongerThanForAnAnswer() async throws {
        let bench = try await OCSPBench { $0.concurrency = 1 }
        let (first, second) = (try bench.leaf("one"), try bench.leaf("two"))
        await bench.responder.does(.holds)
        async let one = bench.standing(first)
        await bench.responder.received(1)
        async let two = bench.standing(second)
        while bench.clock.sleeperCount == 0 { await Task.yield() }
        bench.clock.advance(.seconds(5))
        guard case .unavailable(let detail) = await two else {
            Issue.record("an answer")
            return
        }
        #expect(detail.contains("had no time"))
        await bench.responder.go()
        #expect(await one == .good)
    }

    @Test func asksNobodyForAWhileAfterFailures() async throws {
        let bench = try await OCSPBench()
        await bench.responder.does(.fails(.timedOut))
        for number in 0..<OCSPResponderState.failuresMax {
            guard case .unavailable(let detail) = await bench.standing(try bench.leaf("meter-\(number)")) else {
                Issue.record("an answer")
                return
            }
            #expect(detail.contains("timed-out"))
        }
        let leaf = try bench.leaf()
        guard case .unavailable(let detail) = await bench.standing(leaf) else {
            Issue.record("an answer")
            return
        }
        #expect(detail.contains("not asked for a while"))
        #expect(await bench.responder.requests.count == OCSPResponderState.failuresMax)
        await bench.responder.does(.status(.good, life: 600))
        bench.clock.advance(OCSPResponderState.pauseMin)
        #expect(await bench.standing(leaf) == .good)
    }

    @Test func whatIsWrongWithOneCertificateIsNotTheRespondersFailure() async throws {
        let bench = try await OCSPBench()
        await bench.responder.does(.bytes(OCSPResponseTemplate.failure(status: 6)))
        for number in 0..<20 {
            guard case .unavailable(let detail) = await bench.standing(try bench.leaf("meter-\(number)")) else {
                Issue.record("an answer")
                return
            }
            #expect(detail.contains("ocsp-unauthorized"))
        }
        #expect(await bench.responder.requests.count == 20)
    }

    @Test func handsOnWhatIsRevoked() async throws {
        let bench = try await OCSPBench()
        let leaf = try bench.leaf()
        await bench.responder.does(.status(.revoked(at: 1000, reason: 1), life: 600))
        let revocation = Revocation(source: .ocsp, reason: .keyCompromise, revokedAt: 1000)
        #expect(await bench.standing(leaf) == .revoked(revocation))
        var findings = bench.client.findings.makeAsyncIterator()
        #expect(await findings.next() == .revoked(bench.id(leaf), revocation))
        // From the cache, and not handed on again.
        #expect(await bench.standing(leaf) == .revoked(revocation))
        await bench.client.close()
        #expect(await findings.next() == nil)
    }

    @Test func takesBackAHold() async throws {
        let bench = try await OCSPBench()
        let leaf = try bench.leaf()
        await bench.responder.does(.status(.revoked(at: 1000, reason: 6), life: 600))
        _ = await bench.standing(leaf)
        #expect(await bench.client.onHold == [bench.subject(leaf)])
        await bench.responder.does(.status(.good, life: 600))
        bench.clock.advance(.seconds(600))
        #expect(await bench.client.refreshed(bench.subject(leaf)) == .good)
        #expect(await bench.client.onHold.isEmpty)
        var findings = bench.client.findings.makeAsyncIterator()
        _ = await findings.next()
        #expect(await findings.next() == .reinstated(bench.id(leaf)))
    }

    @Test func asksWhoTheCertificateNames() async throws {
        let bench = try await OCSPBench { $0.responder = nil }
        let leaf = try bench.leaf(responder: "http://named.example.org/a")
        #expect(await bench.standing(leaf) == .good)
        let request = try #require(await bench.responder.requests.first)
        #expect(request.address == "http://named.example.org/a")
        #expect(request.reach == .publicOnly)
        // Resumed, without its certificate: who answered last for it, and for another of its CA.
        bench.clock.advance(.seconds(600))
        #expect(await bench.client.standing(of: bench.question(leaf), certificate: []) == .good)
        #expect(await bench.client.standing(of: bench.question(try bench.leaf("other")), certificate: []) == .good)
        #expect(await bench.responder.requests.map(\.address) == Array(repeating: request.address, count: 3))
    }

    @Test func asksNobodyWhereNobodyIsNamed() async throws {
        let bench = try await OCSPBench { $0.responder = nil }
        for address in [nil, "ldap://directory.example.org/", "file:///etc/passwd"] {
            guard case .unavailable(let detail) = await bench.standing(try bench.leaf(responder: address)) else {
                Issue.record("an answer")
                return
            }
            #expect(detail.contains("names no OCSP responder"))
        }
        #expect(await bench.responder.requests.isEmpty)
        let stranger = bench.question(try bench.leaf(), anchor: [9])
        #expect(
            await bench.client.standing(of: stranger, certificate: [])
                == .unavailable(detail: "the trust anchor has no settings of OCSP"))
    }

    @Test func newSettingsAskAgain() async throws {
        let bench = try await OCSPBench()
        let leaf = try bench.leaf()
        _ = await bench.standing(leaf)
        let bundle = OCSPSettings.Bundle(policy: .hardFail, responder: "http://other.example.org/")
        await bench.client.adopt(
            OCSPSettings(bundles: ["field": bundle]), anchors: [[1]: "field"], authorities: [])
        #expect(await bench.standing(leaf) == .good)
        #expect(await bench.responder.requests.map(\.address) == [OCSPBench.address, "http://other.example.org/"])
    }

    @Test func asksAgainBeforeAnAnswerEnds() async throws {
        let bench = try await OCSPBench()
        let leaf = try bench.leaf()
        let subject = bench.subject(leaf)
        _ = await bench.standing(leaf)
        bench.clock.advance(.seconds(449))
        #expect(await bench.client.refreshed(subject) == nil)
        bench.clock.advance(.seconds(92))
        #expect(await bench.client.refreshed(subject) == .good)
        // A failure leaves the answer there is, and waits a little.
        bench.clock.advance(.seconds(541))
        await bench.responder.does(.fails(.cannotConnect))
        guard case .unavailable = await bench.client.refreshed(subject) else {
            Issue.record("an answer")
            return
        }
        #expect(await bench.client.refreshed(subject) == nil)
        #expect(await bench.standing(leaf) == .good)
    }

    @Test func aClosedClientAsksNobody() async throws {
        let bench = try await OCSPBench { $0.concurrency = 1 }
        await bench.responder.does(.holds)
        let (first, second) = (try bench.leaf("one"), try bench.leaf("two"))
        async let one = bench.standing(first)
        await bench.responder.received(1)
        async let two = bench.standing(second)
        while bench.clock.sleeperCount == 0 { await Task.yield() }
        await bench.client.close()
        guard case .unavailable = await two else {
            Issue.record("an answer")
            return
        }
        await bench.responder.go()
        _ = await one
        #expect(await bench.standing(first) == .unavailable(detail: "the gateway stops"))
        #expect(await bench.responder.requests.count == 1)
    }
}
