/// What a TLS connection does next: a value that is told facts and answers with actions, without any I/O.
///
/// Five states are enough, because TLS is neither taken off again nor half-closed here.
///
/// The order of actions is part of the answer, and each order has its reason: the alert is flushed before anything else
/// can end the connection; the peer is announced before its first plaintext; the state is what it will be before any
/// action runs, so that whatever an action provokes meets the new state.
struct TLSStateMachine {
    enum State: Equatable {
        /// The handler was added, and the channel is not active.
        ///
        /// Can transition to:
        ///   - `handshaking`, when the channel becomes active
        ///   - `closed`
        case idle
        /// No plaintext has been delivered; writes are held, bounded; the handshake's deadline is armed.
        ///
        /// Can transition to:
        ///   - `active`, when the peer is verified and allowed
        ///   - `closed`
        case handshaking
        /// The peer is verified and allowed; plaintext flows.
        ///
        /// Can transition to:
        ///   - `closing`, when we want to close
        ///   - `closed`
        case active
        /// Our close_notify is sent; plaintext is discarded; the close's deadline is armed.
        ///
        /// Can transition to:
        ///   - `closed`
        case closing
        /// Nothing is sent or delivered; all promises are completed, or will be by the channel's close.
        ///
        /// Can transition to: nothing.
        case closed
    }

    enum Action {
        /// Let mbedTLS go on with the handshake.
        case stepHandshake
        case armHandshakeDeadline
        case armCloseDeadline
        case cancelDeadline
        /// Decrypt what was received and deliver it.
        case decrypt
        /// Decrypt what was received, only to find the peer's close_notify.
        case decryptAndDrop
        /// Forget what was received.
        case drop
        /// Send the ciphertext that there is.
        case flush
        /// Tell the pipeline who the peer is.
        case announce(TLSHandshakeCompleted)
        /// Encrypt and send what was written and flushed.
        case releaseWrites
        case failWrites(TLSError)
        /// Tell the pipeline what went wrong.
        case report(TLSError)
        case writeCloseNotify
        /// Close the channel, once what was flushed has left.
        case close
        /// Have the caller's promise completed by the close that is under way or follows.
        case joinClose
        /// Complete the promises of those who wait for the close: the channel is closed.
        case succeedClose
    }

    private(set) var state: State = .idle
    private let role: TLSConfiguration.Role

    init(role: TLSConfiguration.Role) {
        self.role = role
    }

    /// Whether plaintext may be encrypted and delivered.
    var isActive: Bool { self.state == .active }
    var isClosed: Bool { self.state == .closed }

    /// The channel became active.
    mutating func activated() -> [Action] {
        switch self.state {
        case .idle:
            self.state = .handshaking
            return [.armHandshakeDeadline, .stepHandshake]
        case .handshaking, .active, .closing:
            preconditionFailure("a channel becomes active once")
        case .closed:
            return []
        }
    }

    /// The channel delivered ciphertext.
    mutating func ciphertextReceived() -> [Action] {
        switch self.state {
        case .idle:
            self.state = .closed
            let error = TLSError(code: .protocolError, fault: .peer, detail: "bytes before the channel was active")
            return [.drop, .failWrites(error), .report(error), .close]
        case .handshaking: return Self.stepHandshakeOnly
        case .active: return Self.decryptOnly
        case .closing: return Self.decryptAndDropOnly
        case .closed: return Self.dropOnly
        }
    }

    /// A step of the handshake, or of decryption, ended without completing anything.
    mutating func needsInput() -> [Action] {
        switch self.state {
        case .handshaking, .active, .closing: return Self.flushOnly
        case .idle, .closed: return []
        }
    }

    /// The handshake is complete.
    mutating func handshakeCompleted(_ completed: TLSHandshakeCompleted) -> [Action] {
        switch self.state {
        case .handshaking:
            self.state = .active
            return [.flush, .cancelDeadline, .announce(completed), .decrypt, .releaseWrites]
        case .idle, .active, .closing, .closed:
            return []
        }
    }

    /// A step failed.
    mutating func failed(_ error: TLSError) -> [Action] {
        switch self.state {
        case .handshaking, .active:
            self.state = .closed
            return [.flush, .cancelDeadline, .failWrites(error), .report(error), .close]
        case .closing:
            self.state = .closed
            // A TLS 1.3 server judges the client's certificate after the client's handshake is complete: its alert may
            // come when the client has begun to close, and is all that tells of a refusal. A server that closes has said
            // why, and nothing that its client answers changes that.
            guard self.role == .client, error.alertReceived != nil else { return [.cancelDeadline, .close] }
            return [.cancelDeadline, .report(error), .close]
        case .idle:
            self.state = .closed
            return [.failWrites(error), .report(error), .close]
        case .closed:
            return []
        }
    }

    /// The peer sent close_notify.
    mutating func peerClosed() -> [Action] {
        switch self.state {
        case .handshaking:
            self.state = .closed
            let error = TLSError(
                code: .eofDuringHandshake, fault: .peer, detail: "the peer sent close_notify during the handshake")
            return [.flush, .cancelDeadline, .failWrites(error), .report(error), .close]
        case .active:
            self.state = .closed
            return [.writeCloseNotify, .flush, .failWrites(Self.closedError), .close]
        case .closing:
            self.state = .closed
            return [.cancelDeadline, .close]
        case .idle, .closed:
            return []
        }
    }

    /// Somebody in the pipeline wants to close.
    mutating func closeRequested() -> [Action] {
        switch self.state {
        case .idle:
            self.state = .closed
            return [.failWrites(Self.closedError), .joinClose, .close]
        case .handshaking:
            self.state = .closed
            return [.cancelDeadline, .failWrites(Self.closedError), .joinClose, .close]
        case .active:
            self.state = .closing
            return [.writeCloseNotify, .flush, .failWrites(Self.closedError), .joinClose, .armCloseDeadline]
        case .closing:
            return [.joinClose]
        case .closed:
            return [.joinClose, .close]
        }
    }

    /// The deadline that was armed last has passed.
    ///
    /// - Parameter isOurTurn: the handshake waits for this side to find time now, and not for the peer. However long either
    ///   has waited before does not count.
    mutating func deadlinePassed(presented: PeerCertificate?, isOurTurn: Bool) -> [Action] {
        switch self.state {
        case .handshaking:
            self.state = .closed
            let error = TLSError(
                code: .handshakeTimeout, fault: isOurTurn ? .local : .peer,
                detail: isOurTurn
                    ? "there were too many handshakes to go on with this one in time"
                    : "the handshake was not complete in time",
                peerCertificate: presented)
            return [.failWrites(error), .report(error), .close]
        case .closing:
            self.state = .closed
            return [
                .report(
                    TLSError(code: .closeTimeout, fault: .peer, detail: "the peer did not answer our close_notify")),
                .close,
            ]
        case .idle, .active, .closed:
            // A timer that was cancelled too late.
            return []
        }
    }

    /// The channel became inactive, or the handler was removed.
    mutating func inactivated(presented: PeerCertificate?) -> [Action] {
        switch self.state {
        case .handshaking:
            self.state = .closed
            let error = TLSError(
                code: .eofDuringHandshake, fault: .transport, detail: "the connection ended during the handshake",
                peerCertificate: presented)
            return [.cancelDeadline, .failWrites(error), .report(error), .succeedClose]
        case .active:
            self.state = .closed
            let error = TLSError(
                code: .truncated, fault: .transport, detail: "the connection ended without close_notify",
                peerCertificate: presented)
            return [.failWrites(error), .report(error), .succeedClose]
        case .idle, .closing:
            self.state = .closed
            return [.cancelDeadline, .failWrites(Self.closedError), .succeedClose]
        case .closed:
            return []
        }
    }

    static let closedError = TLSError(code: .closed, fault: .local, detail: "the connection was closed")

    // Kept, because they are made for every read.
    private static let stepHandshakeOnly: [Action] = [.stepHandshake]
    private static let decryptOnly: [Action] = [.decrypt]
    private static let decryptAndDropOnly: [Action] = [.decryptAndDrop]
    private static let dropOnly: [Action] = [.drop]
    private static let flushOnly: [Action] = [.flush]
}
