internal import CMbedTLS

// Resuming a session, and keeping those to come.

extension TLSConnection {
    /// The peer of a resumed handshake, which has shown that it knows the session's secret and nothing else.
    func resumedPeer(_ version: TLSVersion) throws(TLSError) -> VerifiedPeer {
        let peer: VerifiedPeer?
        if let holder = self.verification.ticketHolder {
            let isSame = holder.version == version && holder.serverName == self.verification.serverName
            // Judged when the ticket was read.
            peer = self.context.role == .server && isSame ? holder.peer : nil
        } else if let session = self.offered, session.version == version {
            try self.judgeServer(of: session)
            peer = session.peer
        } else {
            peer = nil
        }
        guard let peer, self.verification.leaf == nil else {
            throw TLSError(
                code: .unauthenticatedPeer, fault: .peer, detail: "resumed without a session that may be resumed",
                peerCertificate: self.verification.leaf)
        }
        return peer
    }

    private func judgeServer(of session: TLSSession) throws(TLSError) {
        let refusal = self.verification.judgeAgain(
            session.peer, version: session.version, now: self.context.now(), binding: [])
        guard let refusal else { return }
        _ = fleetgate_connection_send_fatal_alert(self.pointer, refusal.alert.rawValue)
        throw TLSError(
            code: refusal.code, fault: .peer, detail: refusal.detail, peerCertificate: session.peerCertificate,
            alertSent: refusal.alert, deniedCode: refusal.deniedCode)
    }

    /// Remembers what sessions from here on begin with, which is a full handshake always, and takes the first.
    func beginSessions(isResumed: Bool, _ version: TLSVersion) {
        defer { self.offered = nil }
        guard self.sessionOrigin != nil else { return }
        self.sessionOrigin?.peer =
            isResumed ? self.offered?.peer : self.verification.verifiedPeer(at: self.context.now())
        switch version {
        case .v1_2: self.saveSession()
        // There is nothing to resume before a ticket has come.
        case .v1_3: break
        }
    }

    /// Takes the session that there is now, if it can be kept.
    func saveSession() {
        guard let origin = self.sessionOrigin, let peer = origin.peer,
            let version = TLSVersion(wireValue: fleetgate_connection_version(self.pointer))
        else { return }
        let serialized = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: TLSLimits.sessionBytesMax) { bytes in
            defer { fleetgate_wipe(bytes.baseAddress, bytes.count) }
            var length = 0
            let status = fleetgate_connection_save_session(self.pointer, bytes.baseAddress, bytes.count, &length)
            return status == 0 && length <= bytes.count ? Array(bytes[..<length]) : []
        }
        guard !serialized.isEmpty else { return }
        self.newSession = TLSSession(
            version: version, peer: peer, serverName: origin.serverName,
            trustAnchorsDigest: self.context.trust.digest, serialized: serialized)
    }
}
