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
        keyBits = certificate.keyBits
        let (left, overflow) = certificate.notAfter.subtractingReportingOverflow(circumstances.now)
        let seconds = overflow ? (certificate.notAfter < circumstances.now ? Int64.min : Int64.max) : left
        let days = seconds / Self.secondsPerDay
        daysLeft = Int(seconds < 0 && seconds % Self.secondsPerDay != 0 ? days - 1 : days)
        self.circumstances = circumstances
        serverName =
            readsServerName
            ? circumstances.serverName.map { $0.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } } : nil
    }

    /// Where the values of a field come from.
    enum Source: UInt8, Sendable {
        case certificate
        case trustAnchor
        case trustAnchorFingerprint
        case tlsVersion
        case listener
        case serverName
        case keyBits
        case daysLeft

        init(_ field: MatchField) {
            switch field {
            case .subject, .issuer, .alternativeName, .directoryName, .otherName, .wholeSubject, .wholeIssuer,
                .wholeDirectoryName, .serialNumber, .fingerprint, .policy, .keyType, .keyCurve:
                self = .certificate
            case .trustAnchor: self = .trustAnchor
            case .trustAnchorFingerprint: self = .trustAnchorFingerprint
            case .tlsVersion: self = .tlsVersion
            case .listener: self = .listener
            case .serverName: self = .serverName
            case .keyBits: self = .keyBits
            case .daysLeft: self = .daysLeft
            }
        }
    }

    /// Calls `body` with each value of a field that is text or a hash, until it returns false. A value is a range of
    /// ``bytes(of:)``.
    ///
    /// - Parameter field: looked at only when the code is 0.
    @inline(__always)
    func forEachValue(
        of source: Source, _ code: UInt8, field: @autoclosure () -> MatchField,
        _ body: ([UInt8], Range<Int>) -> Bool
    ) {
        guard source == .certificate else {
            guard isThere(source) else { return }
            let bytes = bytes(of: source)
            _ = body(bytes, bytes.indices)
            return
        }
        for index in text.entries.indices where text.entries[index].code == code {
            if code == 0, text.otherFields[Int(text.entries[index].otherField)] != field() { continue }
            guard body(text.bytes, text.entries[index].range) else { return }
        }
    }

    private func isThere(_ source: Source) -> Bool {
        switch source {
        case .certificate, .tlsVersion, .listener: true
        case .trustAnchor, .trustAnchorFingerprint: circumstances.trustAnchor != nil
        case .serverName: serverName != nil
        case .keyBits, .daysLeft: false
        }
    }

    /// The bytes that values of a source stand in; empty when there are none.
    func bytes(of source: Source) -> [UInt8] {
        switch source {
        case .certificate: text.bytes
        case .trustAnchor: circumstances.trustAnchor?.text ?? []
        case .trustAnchorFingerprint: circumstances.trustAnchor?.sha256Fingerprint ?? []
        case .tlsVersion: Array(circumstances.tlsVersion.rawValue.utf8)
        case .listener: Array(circumstances.listener.utf8)
        case .serverName: serverName ?? []
        case .keyBits, .daysLeft: []
        }
    }

    /// Whether two values are the same, byte for byte.
    func areEqual(_ source: Source, _ range: Range<Int>, _ other: Source, _ otherRange: Range<Int>) -> Bool {
        bytes(of: source)[range] == bytes(of: other)[otherRange]
    }

    /// The value of a field that is a number; nil when it is not known, or the field is none.
    func number(of source: Source) -> Int? {
        switch source {
        case .keyBits: keyBits > 0 ? keyBits : nil
        case .daysLeft: daysLeft
        case .certificate, .trustAnchor, .trustAnchorFingerprint, .tlsVersion, .listener, .serverName: nil
        }
    }
}
