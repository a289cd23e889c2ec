internal import CMbedTLS

// What is known of a step that failed.

extension TLSConnection {
    /// The refusal of a renegotiation is all that reading ever writes, besides the alert of a failure: in TLS 1.2 only
    /// (RFC 5246, 7.2.2: `no_renegotiation`), for mbedTLS answers no message after a handshake of TLS 1.3, not even a
    /// KeyUpdate, but fails.
    func renegotiation() -> TLSError {
        self.buffers.dropInbound()
        return TLSError(
            code: .protocolError, fault: .peer, detail: "the peer asked to renegotiate",
            peerCertificate: self.verification.leaf)
    }

    func stalled() -> TLSError {
        TLSError(
            code: .internalError, fault: .local, detail: "mbedTLS asked for input without taking what there is",
            peerCertificate: self.verification.leaf)
    }

    /// Everything that is known about a failed step. Nothing but alerts may be written after it.
    func failure(_ code: Int32) -> TLSError {
        let kind = fleetgate_connection_failure(self.pointer, code)
        let certificate = self.verification.leaf ?? self.certificateInMessage()
        if case .noCertificate = kind, self.alertSent == nil {
            // mbedTLS just stops here in TLS 1.2; RFC 5246, 7.4.6 has this alert for it.
            _ = fleetgate_connection_send_fatal_alert(self.pointer, TLSAlert.handshakeFailure.rawValue)
        }
        self.buffers.dropInbound()

        let reason: VerificationRules.Refusal?
        switch kind {
        case .verification:
            reason =
                self.verification.refusal
                ?? PeerVerification.refusal(for: fleetgate_connection_reasons(self.pointer))
        case .noCertificate, .certificateUnparsable, .chainTooLong, .proofOfPossession, .noSharedVersion,
            .noSharedCipher, .noSharedProtocol, .badRecord, .peerAlert, .protocol, .outOfMemory, .internal:
            reason = nil
        }
        let (errorCode, fault) = Self.codeAndFault(of: kind)
        let received = UInt8(exactly: fleetgate_connection_alert_received(self.pointer, code))
        let alertReceived = received.map { TLSAlert(rawValue: $0) }
        return TLSError(
            code: reason?.code ?? errorCode,
            fault: fault,
            detail: reason?.detail ?? alertReceived.map { "the peer sent \($0)" } ?? "\(MbedTLSFailure(code: code))",
            peerCertificate: certificate,
            mbedTLSCode: code,
            alertSent: self.alertSent,
            alertReceived: alertReceived,
            deniedCode: reason?.deniedCode
        )
    }

    private var alertSent: TLSAlert? {
        UInt8(exactly: fleetgate_connection_alert_sent(self.pointer)).map { TLSAlert(rawValue: $0) }
    }

    /// For chains that mbedTLS refuses before it judges them: the leaf as it stands in the message.
    private func certificateInMessage() -> PeerCertificate? {
        var length = 0
        guard let start = fleetgate_connection_presented_certificate(self.pointer, &length) else { return nil }
        return try? PeerCertificate(der: Array(UnsafeBufferPointer(start: start, count: length)))
    }

    static func codeAndFault(of kind: fleetgate_failure) -> (TLSError.Code, TLSError.Fault) {
        switch kind {
        case .verification: (.unauthenticatedPeer, .peer)
        case .noCertificate: (.noCertificate, .peer)
        case .certificateUnparsable: (.certificateUnparsable, .peer)
        case .chainTooLong: (.chainTooLong, .peer)
        case .proofOfPossession: (.badSignature, .peer)
        case .noSharedVersion: (.noSharedVersion, .peer)
        case .noSharedCipher: (.noSharedCipher, .peer)
        case .noSharedProtocol: (.noSharedALPN, .peer)
        case .badRecord: (.badRecord, .peer)
        case .peerAlert: (.peerAlert, .peer)
        case .protocol: (.protocolError, .peer)
        case .outOfMemory: (.outOfMemory, .local)
        case .internal: (.internalError, .local)
        }
    }
}
