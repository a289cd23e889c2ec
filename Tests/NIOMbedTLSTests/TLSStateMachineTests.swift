import FleetPKI
import Testing

@testable import NIOMbedTLS

/// Every cell of the table of states and inputs.
@Suite("TLS state machine")
struct TLSStateMachineTests {
    private static let error = TLSError(code: .badRecord, fault: .peer, detail: "made up")

    private func completed() throws -> TLSHandshakeCompleted {
        TLSHandshakeCompleted(
            peerCertificate: try PeerCertificate(parsing: try TLSTestCredentials.get().device.certificateDER),
            version: .v1_2, cipherSuite: "", applicationProtocol: nil, serverName: nil, handshakeBytesIn: 0,
            handshakeBytesOut: 0)
    }

    /// A machine that was walked to a state.
    private func machine(
        _ state: TLSStateMachine.State, _ role: TLSConfiguration.Role
    ) throws -> TLSStateMachine {
        var machine = TLSStateMachine(role: role)
        switch state {
        case .idle: break
        case .handshaking: _ = machine.activated()
        case .active:
            _ = machine.activated()
            _ = machine.handshakeCompleted(try self.completed())
        case .closing:
            _ = machine.activated()
            _ = machine.handshakeCompleted(try self.completed())
            _ = machine.closeRequested()
        case .closed: _ = machine.failed(Self.error)
        }
        #expect(machine.state == state)
        return machine
    }

    private func check(
        _ from: TLSStateMachine.State, to: TLSStateMachine.State, _ actions: [String],
        role: TLSConfiguration.Role = .server, _ location: SourceLocation = #_sourceLocation,
        input: (inout TLSStateMachine) -> [TLSStateMachine.Action]
    ) throws {
        var machine = try self.machine(from, role)
        #expect(input(&machine).map(\.text) == actions, sourceLocation: location)
        #expect(machine.state == to, sourceLocation: location)
    }

    @Test func activated() throws {
        try self.check(.idle, to: .handshaking, ["arm handshake", "step"]) { $0.activated() }
        try self.check(.closed, to: .closed, []) { $0.activated() }
    }

    @Test func ciphertextReceived() throws {
        let refused = ["drop", "fail writes protocol-error", "report protocol-error", "close"]
        try self.check(.idle, to: .closed, refused) { $0.ciphertextReceived() }
        try self.check(.handshaking, to: .handshaking, ["step"]) { $0.ciphertextReceived() }
        try self.check(.active, to: .active, ["decrypt"]) { $0.ciphertextReceived() }
        try self.check(.closing, to: .closing, ["decrypt and drop"]) { $0.ciphertextReceived() }
        try self.check(.closed, to: .closed, ["drop"]) { $0.ciphertextReceived() }
    }

    @Test func needsInput() throws {
        try self.check(.idle, to: .idle, []) { $0.needsInput() }
        try self.check(.handshaking, to: .handshaking, ["flush"]) { $0.needsInput() }
        try self.check(.active, to: .active, ["flush"]) { $0.needsInput() }
        try self.check(.closing, to: .closing, ["flush"]) { $0.needsInput() }
        try self.check(.closed, to: .closed, []) { $0.needsInput() }
    }

    @Test func handshakeCompleted() throws {
        let completed = try self.completed()
        let expected = ["flush", "cancel deadline", "announce", "decrypt", "release writes"]
        try self.check(.handshaking, to: .active, expected) { $0.handshakeCompleted(completed) }
        for state in [TLSStateMachine.State.idle, .active, .closing, .closed] {
            try self.check(state, to: state, []) { $0.handshakeCompleted(completed) }
        }
    }

    @Test func failed() throws {
        let expected = ["flush", "cancel deadline", "fail writes bad-record", "report bad-record", "close"]
        try self.check(.idle, to: .closed, ["fail writes bad-record", "report bad-record", "close"]) {
            $0.failed(Self.error)
        }
        try self.check(.handshaking, to: .closed, expected) { $0.failed(Self.error) }
        try self.check(.active, to: .closed, expected) { $0.failed(Self.error) }
        try self.check(.closing, to: .closed, ["cancel deadline", "close"]) { $0.failed(Self.error) }
        let refusal = TLSError(code: .peerAlert, fault: .peer, detail: "", alertReceived: .unknownCA)
        try self.check(.closing, to: .closed, ["cancel deadline", "report peer-alert", "close"], role: .client) {
            $0.failed(refusal)
        }
        try self.check(.closing, to: .closed, ["cancel deadline", "close"]) { $0.failed(refusal) }
        try self.check(.closing, to: .closed, ["cancel deadline", "close"], role: .client) { $0.failed(Self.error) }
        try self.check(.closed, to: .closed, []) { $0.failed(Self.error) }
    }

    @Test func peerClosed() throws {
        try self.check(
            .handshaking, to: .closed,
            ["flush", "cancel deadline", "fail writes eof-during-handshake", "report eof-during-handshake", "close"]
        ) { $0.peerClosed() }
        try self.check(.active, to: .closed, ["write close_notify", "flush", "fail writes closed", "close"]) {
            $0.peerClosed()
        }
        try self.check(.closing, to: .closed, ["cancel deadline", "close"]) { $0.peerClosed() }
        try self.check(.idle, to: .idle, []) { $0.peerClosed() }
        try self.check(.closed, to: .closed, []) { $0.peerClosed() }
    }

    @Test func closeRequested() throws {
        try self.check(.idle, to: .closed, ["fail writes closed", "join close", "close"]) { $0.closeRequested() }
        try self.check(
            .handshaking, to: .closed, ["cancel deadline", "fail writes closed", "join close", "close"]
        ) { $0.closeRequested() }
        try self.check(
            .active, to: .closing,
            ["write close_notify", "flush", "fail writes closed", "join close", "arm close"]
        ) { $0.closeRequested() }
        try self.check(.closing, to: .closing, ["join close"]) { $0.closeRequested() }
        try self.check(.closed, to: .closed, ["join close", "close"]) { $0.closeRequested() }
    }

    @Test func deadlinePassed() throws {
        try self.check(
            .handshaking, to: .closed, ["fail writes handshake-timeout", "report handshake-timeout", "close"]
        ) { $0.deadlinePassed(presented: nil, isOurTurn: false) }
        try self.check(.closing, to: .closed, ["report close-timeout", "close"]) {
            $0.deadlinePassed(presented: nil, isOurTurn: false)
        }
        for state in [TLSStateMachine.State.idle, .active, .closed] {
            try self.check(state, to: state, []) { $0.deadlinePassed(presented: nil, isOurTurn: false) }
        }
    }

    @Test(arguments: [(true, TLSError.Fault.local), (false, .peer)])
    func theDeadlineIsTheFaultOfWhoeverHasTheTurn(isOurTurn: Bool, fault: TLSError.Fault) throws {
        var machine = try self.machine(.handshaking, .server)
        let actions = machine.deadlinePassed(presented: nil, isOurTurn: isOurTurn)
        let reported = actions.compactMap { if case .report(let error) = $0 { error } else { nil } }
        #expect(reported.map(\.code) == [.handshakeTimeout])
        #expect(reported.map(\.fault) == [fault])
    }

    @Test func inactivated() throws {
        try self.check(.idle, to: .closed, ["cancel deadline", "fail writes closed", "succeed close"]) {
            $0.inactivated(presented: nil)
        }
        try self.check(
            .handshaking, to: .closed,
            ["cancel deadline", "fail writes eof-during-handshake", "report eof-during-handshake", "succeed close"]
        ) { $0.inactivated(presented: nil) }
        try self.check(.active, to: .closed, ["fail writes truncated", "report truncated", "succeed close"]) {
            $0.inactivated(presented: nil)
        }
        try self.check(.closing, to: .closed, ["cancel deadline", "fail writes closed", "succeed close"]) {
            $0.inactivated(presented: nil)
        }
        try self.check(.closed, to: .closed, []) { $0.inactivated(presented: nil) }
    }
}

extension TLSStateMachine.Action {
    /// For comparing.
    fileprivate var text: String {
        switch self {
        case .stepHandshake: "step"
        case .armHandshakeDeadline: "arm handshake"
        case .armCloseDeadline: "arm close"
        case .cancelDeadline: "cancel deadline"
        case .decrypt: "decrypt"
        case .decryptAndDrop: "decrypt and drop"
        case .drop: "drop"
        case .flush: "flush"
        case .announce: "announce"
        case .releaseWrites: "release writes"
        case .failWrites(let error): "fail writes \(error.code)"
        case .report(let error): "report \(error.code)"
        case .writeCloseNotify: "write close_notify"
        case .close: "close"
        case .joinClose: "join close"
        case .succeedClose: "succeed close"
        }
    }
}
