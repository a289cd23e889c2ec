internal import CMbedTLS

/// What a handshake would say to a chain.
public enum TLSChainResult: Sendable {
    /// The chain would be let in, if the peer proves that it holds the leaf's key. The anchor is nil exactly when
    /// ``TLSObjections/untrusted`` is among what the authorization excused.
    case accepted(trustAnchor: TLSTrustAnchor?, despite: TLSObjections)
    /// The chain would be refused with this error. Its ``TLSError/alertSent`` is the alert that the peer would get, when
    /// the verification chooses it.
    case refused(TLSError)
}

extension TLSContext {
    /// Verifies a client's chain without a connection, by what verifies it in a handshake: the same anchors, the same
    /// rules, the same calls of mbedTLS. All that a handshake adds is the proof that the peer holds the leaf's key, and
    /// the messages' own bounds.
    ///
    /// Uses the context: to be called where the context's connections are, or with a context of its own. Takes as long
    /// as the signature checks of a handshake do, some milliseconds at most.
    ///
    /// - Parameters:
    ///   - chain: what the client would present, leaf first. Empty is refused with `no-certificate`.
    ///   - version: what the handshake would have negotiated. Whether the context offers it is not asked.
    ///   - serverName: SNI, as the client would send it.
    ///   - authorize: called as in a handshake, at most once.
    /// - Returns: refused with `internal-error` by a context of a client, which verifies no clients.
    public func verify(
        chain: [PeerCertificate], version: TLSVersion, serverName: String?, authorize: TLSAuthorize
    ) -> TLSChainResult {
        guard self.role == .server else {
            return .refused(
                TLSError(code: .internalError, fault: .operator, detail: "a client's context verifies no clients"))
        }
        guard !chain.isEmpty else {
            return .refused(TLSError(code: .noCertificate, fault: .peer, detail: "no certificate to verify"))
        }
        guard chain.allSatisfy(\.isWhole) else {
            return .refused(
                TLSError(
                    code: .certificateUnparsable, fault: .operator, detail: "only whole certificates can be verified",
                    peerCertificate: chain.first))
        }
        let presented: CertificateChain
        do throws(MbedTLSFailure) {
            presented = try CertificateChain(presented: chain.map(\.der))
        } catch {
            return .refused(Self.refusal(status: error.code, reasons: 0, nil, chain))
        }
        return withoutActuallyEscaping(authorize) { authorize in
            let verification = PeerVerification(
                rules: self.rules, expectedAddress: nil, tickets: nil, now: self.now, authorize: authorize)
            Array((serverName ?? "").utf8).withUnsafeBytes { verification.noteServerName($0) }
            var reasons: UInt32 = 0
            let status = withExtendedLifetime(verification) {
                fleetgate_settings_verify(
                    self.settings, presented.pointer, verifyCertificate,
                    Unmanaged.passUnretained(verification).toOpaque(), version.wireValue, &reasons)
            }
            guard status == 0, verification.isAllowed else {
                return .refused(Self.refusal(status: status, reasons: reasons, verification, chain))
            }
            return .accepted(trustAnchor: verification.trustAnchor, despite: verification.excused)
        }
    }

    /// As ``TLSConnection`` tells the same failure of a handshake.
    private static func refusal(
        status: Int32, reasons: UInt32, _ verification: PeerVerification?, _ chain: [PeerCertificate]
    ) -> TLSError {
        let leaf = chain.first
        let issuers = Array(chain.dropFirst())
        guard status != 0 else {
            return TLSError(
                code: .unauthenticatedPeer, fault: .peer, detail: "verified without having been allowed",
                peerCertificate: leaf, presentedIssuers: issuers)
        }
        let kind = fleetgate_chain_failure(status)
        let (code, fault) = TLSConnection.codeAndFault(of: kind)
        guard case .verification = kind else {
            let unsupported =
                code == .certificateUnparsable ? VerificationRules.Refusal.unsupported(in: chain.map(\.der)) : nil
            return TLSError(
                code: unsupported?.code ?? code, fault: fault,
                detail: unsupported?.detail ?? "\(MbedTLSFailure(code: status))", peerCertificate: leaf,
                mbedTLSCode: status, presentedIssuers: issuers)
        }
        let reason = (verification?.refusal ?? PeerVerification.refusal(for: reasons))?
            .explained(by: chain.map(\.der), isLeafRead: verification?.leaf != nil)
        return TLSError(
            code: reason?.code ?? code, fault: fault, detail: reason?.detail ?? "\(MbedTLSFailure(code: status))",
            peerCertificate: verification?.leaf ?? leaf, mbedTLSCode: status,
            alertSent: UInt8(exactly: fleetgate_alert_for_reasons(reasons)).map { TLSAlert(rawValue: $0) },
            deniedCode: reason?.deniedCode, presentedIssuers: issuers)
    }
}
