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
        let presented = self.presentedCertificates(kind)
        let certificate = self.verification.leaf ?? presented.first?.certificate
        if case .noCertificate = kind, self.alertSent == nil {
            // mbedTLS just stops here in TLS 1.2; RFC 5246, 7.4.6 has this alert for it.
            _ = fleetgate_connection_send_fatal_alert(self.pointer, TLSAlert.handshakeFailure.rawValue)
        }
        var alertSent = self.alertSent
        if case .certificateUnparsable = kind, alertSent == nil,
            fleetgate_connection_send_fatal_alert(self.pointer, TLSAlert.unsupportedCertificate.rawValue) == 0
        {
            // In TLS 1.3 mbedTLS goes without an alert when it does not know how the last certificate is signed.
            alertSent = .unsupportedCertificate
        }
        self.buffers.dropInbound()

        let reason: VerificationRules.Refusal?
        switch kind {
        case .verification:
            let refusal =
                self.verification.refusal
                ?? PeerVerification.refusal(for: fleetgate_connection_reasons(self.pointer))
            reason = refusal?.explained(by: presented.map(\.der), isLeafRead: self.verification.leaf != nil)
        case .certificateUnparsable:
            reason = .unsupported(in: presented.map(\.der))
        case .noCertificate, .chainTooLong, .proofOfPossession, .noSharedVersion, .noSharedCipher, .noSharedProtocol,
            .badRecord, .peerAlert, .protocol, .outOfMemory, .internal:
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
            alertSent: alertSent ?? self.alertSent,
            alertReceived: alertReceived,
            deniedCode: reason?.deniedCode,
            presentedIssuers: presented.dropFirst().compactMap(\.certificate)
        )
    }

    private var alertSent: TLSAlert? {
        UInt8(exactly: fleetgate_connection_alert_sent(self.pointer)).map { TLSAlert(rawValue: $0) }
    }

    /// What a client sent as its chain, the leaf first, as it stands in the message that was refused.
    private func presentedCertificates(_ kind: fleetgate_failure) -> [(der: [UInt8], certificate: PeerCertificate?)] {
        switch kind {
        case .verification, .certificateUnparsable, .chainTooLong: break
        case .noCertificate, .proofOfPossession, .noSharedVersion, .noSharedCipher, .noSharedProtocol, .badRecord,
            .peerAlert, .protocol, .outOfMemory, .internal:
            // There is another message by now.
            return []
        }
        var presented: [(der: [UInt8], certificate: PeerCertificate?)] = []
        var length = 0
        while presented.count < TLSLimits.presentedCertificatesMax,
            let start = fleetgate_connection_presented_certificate(self.pointer, presented.count, &length)
        {
            let der = Array(UnsafeBufferPointer(start: start, count: length))
            presented.append((der, try? PeerCertificate(der: der)))
        }
        return presented
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

extension VerificationRules.Refusal {
    /// What a chain holds that mbedTLS cannot read.
    static func unsupported(in ders: [[UInt8]]) -> VerificationRules.Refusal? {
        for (depth, der) in ders.enumerated() {
            if let unsupported = UnsupportedCertificate(der, depth: depth) {
                // mbedTLS has sent its alert by now.
                return .init(code: unsupported.code, detail: unsupported.detail, alert: .unsupportedCertificate)
            }
        }
        return nil
    }

    /// That no anchor was found may be because mbedTLS has passed over a certificate that it cannot read.
    ///
    /// - Parameter isLeafRead: whether there was a leaf to judge.
    func explained(by ders: [[UInt8]], isLeafRead: Bool) -> VerificationRules.Refusal {
        guard !isLeafRead || self.code == .unknownCA else { return self }
        for (depth, der) in ders.enumerated() {
            guard let unsupported = UnsupportedCertificate(der, depth: depth),
                unsupported.code == .unsupportedSignature
            else { continue }
            // One that issued none of the others was not needed.
            let isNeeded =
                !isLeafRead
                || ders.contains { $0 != der && (try? ParsedCertificate($0))?.issuerDER == unsupported.subjectDER }
            if isNeeded {
                return .init(
                    code: unsupported.code, detail: unsupported.detail, alert: self.alert, deniedCode: self.deniedCode)
            }
        }
        return self
    }
}
