/// What the conditions of a match look at, for one decision: the certificate's values and the connection's.
struct MatchContext {
    static let secondsPerDay: Int64 = 86_400

    let text: CertificateText
    let keyBits: Int
    /// Whole days from now to notAfter, rounded down: -1 from the second after it.
    let daysLeft: Int
    let circumstances: ConnectionCircumstances
    /// The name of SNI in lower case: names of hosts are compared without regard to case (RFC 6066, section 3).
    let serverName: [UInt8]?

    /// - Parameter readsServerName: whether any condition looks at SNI.
    init(_ certificate: CertificateAttributes, _ circumstances: ConnectionCircumstances, readsServerName: Bool) {
        text = certificate.text
        keyBits = certificate.publicKey.bits
        let (left, overflow) = certificate.notAfter.subtractingReportingOverflow(circumstances.now)
        let seconds = overflow ? (certificate.notAfter < circumstances.now ? Int64.min : Int64.max) : left
        let days = seconds / Self.secondsPerDay
        daysLeft = Int(seconds < 0 && seconds % Self.secondsPerDay != 0 ? days - 1 : days)
        self.circumstances = circumstances
        serverName =
            readsServerName
            ? circumstances.serverName.map { $0.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } } : nil
    }

    /// Calls `body` with each value of a field that is text or a hash, until it returns false.
    @inline(__always)
    func forEachValue(of field: MatchField, _ fieldHash: ValueHash, _ body: ([UInt8]) -> Bool) {
        switch field {
        case .subject, .issuer, .alternativeName, .directoryName, .otherName, .wholeSubject, .wholeIssuer,
            .wholeDirectoryName, .serialNumber, .fingerprint, .policy, .keyType, .keyCurve:
            for index in text.fieldHashes.indices where text.fieldHashes[index] == fieldHash {
                guard text.fields[index] != field || body(text.values[index]) else { return }
            }
        case .trustAnchor:
            if let anchor = circumstances.trustAnchor { _ = body(anchor.text) }
        case .trustAnchorFingerprint:
            if let anchor = circumstances.trustAnchor { _ = body(anchor.sha256Fingerprint) }
        case .tlsVersion: _ = body(Array(circumstances.tlsVersion.rawValue.utf8))
        case .listener: _ = body(Array(circumstances.listener.utf8))
        case .serverName:
            if let serverName { _ = body(serverName) }
        case .keyBits, .daysLeft: break
        }
    }

    /// The value of a field that is a number; nil when it is not known, or the field is none.
    func number(of field: MatchField) -> Int? {
        switch field {
        case .keyBits: keyBits > 0 ? keyBits : nil
        case .daysLeft: daysLeft
        case .subject, .issuer, .alternativeName, .directoryName, .otherName, .wholeSubject, .wholeIssuer,
            .wholeDirectoryName, .serialNumber, .fingerprint, .policy, .keyType, .keyCurve, .trustAnchor,
            .trustAnchorFingerprint, .tlsVersion, .listener, .serverName:
            nil
        }
    }
}
