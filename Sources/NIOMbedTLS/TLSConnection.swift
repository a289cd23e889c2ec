internal import CMbedTLS
internal import NIOCore

/// The outcome of asking mbedTLS to make progress once.
enum TLSStep<Value> {
    case done(Value)
    case needsInput
    case peerClosed
    case failed(TLSError)
}

/// One TLS connection (`mbedtls_ssl_context`). Confined to the event loop of its channel; every method runs C
/// synchronously. The order of use is: feed (``receive(_:)``), step, take (``takeCiphertext()``). After a failed step
/// nothing but taking is allowed.
final class TLSConnection {
    /// Not private only for tests, which have mbedTLS do what this program never asks of it.
    let pointer: OpaquePointer
    /// C holds these two unretained, for as long as `pointer` lives.
    let buffers: CiphertextBuffers
    let verification: PeerVerification
    /// mbedTLS reads its settings on every call.
    let context: TLSContext
    private let requestedName: String?
    private var firstBytes: FirstBytes
    /// On a server, until the handshake is complete.
    private var clientHello: ClientHelloCapture?
    /// The session that a client has offered, until the handshake is complete.
    var offered: TLSSession?
    /// What there is for sessions to begin with: set on a client that keeps them, when the handshake is complete.
    var sessionOrigin: TLSSession.Origin?
    /// The newest session that was not handed out yet.
    var newSession: TLSSession?

    /// - Parameters:
    ///   - serverName: to be given by a client, and only by one.
    ///   - session: to be offered by a client, if it may be.
    init(
        context: TLSContext,
        serverName: TLSServerName?,
        session: TLSSession?,
        authorize: @escaping TLSAuthorize,
        allocator: ByteBufferAllocator
    ) throws(TLSError) {
        var address: [UInt8]?
        var name: String?
        if case .verified(let text) = serverName {
            address = PeerVerification.address(text)
            name = address == nil ? text : nil
        }
        let buffers = CiphertextBuffers(allocator: allocator, outboundBytesMax: TLSLimits.ciphertextHeldMax)
        let verification = PeerVerification(
            rules: context.rules, expectedAddress: address, tickets: context.tickets, now: context.now,
            authorize: authorize)
        var callbacks = fleetgate_callbacks(
            receive: receiveCiphertext, send: sendCiphertext, verify: verifyCertificate, server_name: noteServerName,
            write_ticket: writeTicket, read_ticket: readTicket)
        var code: Int32 = 0
        guard
            let pointer = fleetgate_connection_new(
                context.settings, &callbacks, Unmanaged.passUnretained(buffers).toOpaque(),
                Unmanaged.passUnretained(verification).toOpaque(), &code)
        else {
            throw TLSError(
                code: .outOfMemory, fault: .local, detail: "\(MbedTLSFailure(code: code))", mbedTLSCode: code)
        }
        self.pointer = pointer
        self.buffers = buffers
        self.verification = verification
        self.context = context
        self.requestedName = name
        self.firstBytes = FirstBytes(role: context.role)
        self.clientHello = context.role == .server ? ClientHelloCapture() : nil
        if context.role == .client {
            code = fleetgate_connection_set_server_name(pointer, name)
            guard code == 0 else {
                throw TLSError(
                    code: .internalError, fault: .operator,
                    detail: "server name: \(MbedTLSFailure(code: code))", mbedTLSCode: code)
            }
        }
        if let serverName {
            self.sessionOrigin = context.keepsSessions ? .init(serverName: serverName, peer: nil) : nil
            if let session, context.mayOffer(session, to: serverName),
                fleetgate_connection_set_session(pointer, session.serialized, session.serialized.count) == 0
            {
                self.offered = session
            }
        }
    }

    deinit {
        fleetgate_connection_free(self.pointer)
    }

    /// Feeds ciphertext from the channel.
    func receive(_ ciphertext: ByteBuffer) {
        self.clientHello?.receive(ciphertext.readableBytesView)
        self.buffers.receive(ciphertext)
    }

    /// Received and not yet looked at.
    var waitingBytes: Int { self.buffers.inboundBytes }

    /// What is to be sent, if there is anything.
    func takeCiphertext() -> ByteBuffer? {
        self.buffers.takeOutbound()
    }

    var ciphertextBytes: Int { self.buffers.outboundBytes }

    /// The peer's certificate, as far as it was presented.
    var presentedCertificate: PeerCertificate? { self.verification.leaf }

    /// The error with what is known of the client's offer, if the handshake is not over.
    func explaining(_ error: TLSError) -> TLSError {
        self.clientHello.map { error.adding($0.clientHello) } ?? error
    }

    /// A session to keep, each of them once.
    func takeSession() -> TLSSession? {
        defer { self.newSession = nil }
        return self.newSession
    }

    /// Goes on with the handshake as far as the input allows.
    func handshake() -> TLSStep<TLSHandshakeCompleted> {
        if let view = self.buffers.inboundView, let detail = self.firstBytes.check(view) {
            self.buffers.dropInbound()
            return .failed(TLSError(code: .notTLS, fault: .peer, detail: detail))
        }
        while true {
            let consumedBefore = self.buffers.bytesConsumed
            var code: Int32 = 0
            switch fleetgate_connection_handshake(self.pointer, &code) {
            case .done:
                return self.completed()
            case .peerClosed:
                return .peerClosed
            case .failed:
                return .failed(self.failure(code))
            case .newSession:
                return .failed(
                    TLSError(code: .internalError, fault: .local, detail: "a ticket before the end of the handshake"))
            case .needsInput:
                if let error = self.excess() {
                    return .failed(error)
                }
                guard self.buffers.inboundBytes > 0 else { return .needsInput }
                // It may want to be called again with input left; but not without having taken any.
                guard self.buffers.bytesConsumed > consumedBefore else {
                    return .failed(self.stalled())
                }
            }
        }
    }

    /// Decrypts everything received and appends the plaintext.
    ///
    /// Fails when the peer asks to renegotiate. mbedTLS would answer each request with a warning and carry on
    /// (`mbedtls_ssl_read`), so a peer that sends requests and reads no answers would have us hold ever more of them.
    ///
    /// - Returns: never `done`; plaintext may have been appended whatever the answer is.
    func decrypt(into plaintext: inout ByteBuffer?, allocator: ByteBufferAllocator) -> TLSStep<Never> {
        while true {
            let consumedBefore = self.buffers.bytesConsumed
            let producedBefore = self.buffers.bytesProduced
            var available = 0
            var code: Int32 = 0
            let step = fleetgate_connection_decrypt(self.pointer, &available, &code)
            if step != .failed, self.buffers.bytesProduced > producedBefore {
                return .failed(self.renegotiation())
            }
            switch step {
            case .done:
                guard self.take(available, into: &plaintext, allocator) else {
                    return .failed(
                        TLSError(code: .internalError, fault: .local, detail: "plaintext announced was not there"))
                }
            case .peerClosed:
                return .peerClosed
            case .failed:
                return .failed(self.failure(code))
            case .newSession:
                self.saveSession()
            case .needsInput:
                // With input left this is mbedTLS having passed over an alert that it ignores (`mbedtls_ssl_read`).
                guard self.buffers.inboundBytes > 0 else { return .needsInput }
                guard self.buffers.bytesConsumed > consumedBefore else {
                    return .failed(self.stalled())
                }
            }
        }
    }

    /// Encrypts one record's worth from the front of the plaintext.
    func encrypt(_ plaintext: inout ByteBuffer) -> TLSStep<Void> {
        var taken = 0
        var code: Int32 = 0
        let step = plaintext.withUnsafeReadableBytes { bytes in
            fleetgate_connection_encrypt(
                self.pointer, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &taken, &code)
        }
        guard case .done = step, taken > 0, taken <= plaintext.readableBytes else {
            return .failed(self.failure(code))
        }
        plaintext.moveReaderIndex(forwardBy: taken)
        return .done(())
    }

    /// Gives up what an idle connection does not need: some 40 KiB. To be called when the handshake was seen to be
    /// complete and everything received has been decrypted.
    ///
    /// - Returns: whether it could be: not with half a record received.
    @discardableResult
    func rest() -> Bool {
        fleetgate_connection_rest(self.pointer) != 0
    }

    /// Writes a close_notify. That it could not be written changes nothing: the connection is ending anyway.
    func writeCloseNotify() {
        _ = fleetgate_connection_close_notify(self.pointer)
    }

    private func take(_ count: Int, into plaintext: inout ByteBuffer?, _ allocator: ByteBufferAllocator) -> Bool {
        // With room for the records behind this one, which are longer than their plaintext.
        var buffer = plaintext ?? allocator.buffer(capacity: count + self.buffers.inboundBytes)
        plaintext = nil
        var isTaken = false
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            let start = bytes.bindMemory(to: UInt8.self).baseAddress
            isTaken = fleetgate_connection_take(self.pointer, start, count) == 0
            return isTaken ? count : 0
        }
        plaintext = buffer
        return isTaken
    }
}

@available(*, unavailable)
extension TLSConnection: Sendable {}

// MARK: - The end of a handshake

extension TLSConnection {
    /// Fails closed: without a recorded permission and a certificate there is no connection, whatever mbedTLS says.
    private func completed() -> TLSStep<TLSHandshakeCompleted> {
        guard let version = TLSVersion(wireValue: fleetgate_connection_version(self.pointer)) else {
            return .failed(
                TLSError(
                    code: .internalError, fault: .local, detail: "unknown version",
                    peerCertificate: self.verification.leaf))
        }
        let isResumed = fleetgate_connection_is_resumed(self.pointer) != 0
        let leaf: PeerCertificate
        do throws(TLSError) {
            leaf = isResumed ? try self.resumedPeer(version).certificate : try self.verifiedLeaf()
        } catch {
            return .failed(error)
        }
        if let error = self.excess() {
            return .failed(error)
        }
        self.clientHello = nil
        if self.context.role == .client {
            self.beginSessions(isResumed: isResumed, version)
        }
        self.verification.settle()
        let suite = fleetgate_connection_cipher_suite(self.pointer)
        return .done(
            TLSHandshakeCompleted(
                peerCertificate: leaf,
                version: version,
                cipherSuite: TLSCipherSuite(rawValue: suite)?.name ?? "0x\(String(suite, radix: 16))",
                applicationProtocol: fleetgate_connection_protocol(self.pointer).map { String(cString: $0) },
                serverName: self.requestedName ?? self.verification.serverName,
                handshakeBytesIn: self.buffers.bytesConsumed,
                handshakeBytesOut: self.buffers.bytesProduced,
                isResumed: isResumed
            )
        )
    }

    /// The leaf of a full handshake.
    private func verifiedLeaf() throws(TLSError) -> PeerCertificate {
        guard self.verification.isAllowed, let leaf = self.verification.leaf,
            fleetgate_connection_has_peer_certificate(self.pointer) != 0
        else {
            throw TLSError(
                code: .unauthenticatedPeer, fault: .peer,
                detail: "handshake without a certificate that was allowed",
                peerCertificate: self.verification.leaf)
        }
        return leaf
    }

    /// Whether the handshake has taken more than it may.
    private func excess() -> TLSError? {
        let limits = self.context.limits
        let isTooMuchIn = self.buffers.bytesConsumed > limits.handshakeBytesInMax
        guard isTooMuchIn || self.buffers.bytesProduced > limits.handshakeBytesOutMax else { return nil }
        return TLSError(
            code: .handshakeTooLarge, fault: isTooMuchIn ? .peer : .local,
            detail: "handshake of \(self.buffers.bytesConsumed) bytes in, \(self.buffers.bytesProduced) out",
            peerCertificate: self.verification.leaf)
    }
}
