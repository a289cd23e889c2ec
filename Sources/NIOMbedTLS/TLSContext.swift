internal import CMbedTLS
internal import Glibc
internal import NIOCore

/// A checked ``TLSConfiguration`` with everything parsed: what connections are made from. Immutable.
///
/// Make one for each event loop: it holds its own copies of key, chain and trust anchors and its own random number
/// generator, because mbedTLS 2.28 must not share elliptic-curve groups between threads, and so that no two loops wait
/// for one lock. Rotation makes new contexts; connections keep the one they were made with. Contexts of one event loop,
/// such as those of many devices, can share what is not their own (``init(_:sharing:)``).
public final class TLSContext {
    public let role: TLSConfiguration.Role
    /// What works but should be known, such as a certificate that has expired.
    public let warnings: [TLSConfigurationWarning]
    /// In the order of ``TLSConfiguration/trustAnchorsPEM``.
    public let trustAnchors: [TLSTrustAnchor]
    /// The certificates of all CAs that this knows: the anchors, as far as they can be read, then the intermediates
    /// configured.
    public let authorities: [PeerCertificate]

    let versions: ClosedRange<TLSVersion>
    let keepsSessions: Bool
    let handshakeTimeout: TimeAmount
    let closeTimeout: TimeAmount
    let limits: TLSLimits
    let rules: VerificationRules
    /// `fleetgate_settings`: points at what the parts hold, and is read by every connection.
    let settings: OpaquePointer
    private let parts: Parts
    /// On a server with a key for them.
    let tickets: TicketIssue?
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    var trust: TrustStore { self.parts.trust }

    /// Parses and checks everything. Takes milliseconds, on a server 30 for each new CA: do not call it on an event loop.
    ///
    /// - Parameters:
    ///   - configuration: what to make it from.
    ///   - other: a context for the same event loop, whose random number generator this one uses, and whose trust
    ///     anchors too when ``TLSConfiguration/trustAnchorsPEM`` is the same. It may be in use meanwhile. Whatever cannot
    ///     be shared is this context's own.
    /// - Throws: every problem found.
    public convenience init(
        _ configuration: TLSConfiguration, sharing other: TLSContext? = nil
    ) throws(TLSConfigurationError) {
        try self.init(configuration, sharing: other, now: { Int64(time(nil)) })
    }

    /// - Parameter now: seconds since 1970, for what is not judged by mbedTLS, which has its own clock.
    init(
        _ configuration: TLSConfiguration, sharing other: TLSContext?, now: @escaping @Sendable () -> Int64
    ) throws(TLSConfigurationError) {
        var problems = ProblemList()
        problems.check(configuration)
        let parts = Parts(configuration, sharing: other?.parts, now: now(), &problems)
        let settings = parts.flatMap { $0.makeSettings(configuration, &problems) }
        guard let parts, let settings, problems.isEmpty else {
            fleetgate_settings_free(settings)
            throw TLSConfigurationError(problems: problems.all)
        }
        let anchors = parts.trust.anchors
        self.now = now
        self.role = configuration.role
        self.versions = configuration.versions
        self.keepsSessions = configuration.keepsSessions
        self.tickets =
            configuration.ticketKeys.isEmpty
            ? nil
            : TicketIssue(
                keys: configuration.ticketKeys, scope: Array(configuration.ticketScope.utf8), random: parts.random,
                now: now)
        self.handshakeTimeout = configuration.handshakeTimeout
        self.closeTimeout = configuration.closeTimeout
        self.limits = configuration.limits
        let chain = parts.chain?.ders.compactMap { try? PeerCertificate(der: $0) } ?? []
        self.rules = VerificationRules(configuration, parts.trust)
        self.trustAnchors = parts.trust.values
        let intermediates = (parts.trust.standIns + parts.trust.unusedStandIns).compactMap(\.authority.certificate)
        self.authorities = anchors.compactMap(\.certificate) + intermediates
        self.warnings = Self.warnings(
            chain: chain, anchors: anchors.compactMap(\.certificate), intermediates: intermediates, now: now())
        self.settings = settings
        self.parts = parts
    }

    deinit {
        // Before the parts go, which it points at.
        fleetgate_settings_free(self.settings)
    }

    private static func warnings(
        chain: [PeerCertificate], anchors: [PeerCertificate], intermediates: [PeerCertificate], now: Int64
    ) -> [TLSConfigurationWarning] {
        var warnings: [TLSConfigurationWarning] = []
        for certificate in chain {
            if certificate.notAfter < now {
                warnings.append(.init(code: .certificateExpired, message: "expired: \(certificate)"))
            }
            if certificate.notBefore > now {
                warnings.append(.init(code: .certificateNotYetValid, message: "not valid yet: \(certificate)"))
            }
        }
        for anchor in anchors where anchor.notAfter < now {
            warnings.append(.init(code: .trustAnchorExpired, message: "expired trust anchor: \(anchor)"))
        }
        for intermediate in intermediates where intermediate.notAfter < now {
            warnings.append(
                .init(code: .intermediateExpired, message: "expired intermediate, which is not used: \(intermediate)"))
        }
        return warnings
    }
}

/// Everything in it is immutable after `init`, and mbedTLS takes its configuration as `const`; the one thing it changes
/// behind it, the generator, has a lock of its own where the library has threading.
extension TLSContext: @unchecked Sendable {}

extension TLSContext {
    /// What the settings point at.
    private struct Parts {
        let random: RandomSource
        let chain: CertificateChain?
        let key: PrivateKey?
        let trust: TrustStore

        /// Nil when a problem makes going on pointless; other problems are only noted.
        init?(
            _ configuration: TLSConfiguration, sharing other: Parts?, now: Int64, _ problems: inout ProblemList
        ) {
            do throws(TLSError) {
                try MbedTLSLibrary.prepare()
            } catch {
                problems.add(.library, error.detail)
                return nil
            }
            do throws(MbedTLSFailure) {
                // The generator is in use while this context is made, maybe on another thread.
                if let random = other?.random, fleetgate_library_is_threaded() != 0 {
                    self.random = random
                } else {
                    self.random = try RandomSource()
                }
            } catch {
                problems.add(.library, "no random source: \(error)")
                return nil
            }
            self.chain = Self.certificates(
                configuration.certificateChainPEM, .certificateUnparsable, "certificate chain", &problems)
            self.key = Self.key(configuration, self.random, &problems)
            if let chain = self.chain, let key = self.key, !key.matches(chain, random: self.random) {
                problems.add(.keyMismatch, "the private key is not that of the first certificate of the chain")
            }
            if let trust = other?.trust, trust.serves(configuration, now: now) {
                self.trust = trust
                return
            }
            guard
                let anchors = Self.certificates(
                    configuration.trustAnchorsPEM, .trustAnchorUnparsable, "trust anchors", &problems)
            else { return nil }
            do throws(IntermediateProblem) {
                self.trust = try TrustStore(configuration, anchors, now: now)
            } catch {
                if error.isAboutAnchor {
                    problems.add(.trustAnchorUnparsable, "trust anchors: \(error.detail)")
                } else {
                    problems.add(.intermediateUnusable, error.detail)
                }
                return nil
            }
        }

        private static func certificates(
            _ pem: [UInt8], _ code: TLSConfigurationError.Code, _ what: String, _ problems: inout ProblemList
        ) -> CertificateChain? {
            guard !pem.isEmpty else { return nil }
            do throws(MbedTLSFailure) {
                return try CertificateChain(pem: pem)
            } catch {
                let detail = error.code > 0 ? "\(error.code) certificates could not be parsed" : "\(error)"
                problems.add(code, "\(what): \(detail)")
                return nil
            }
        }

        private static func key(
            _ configuration: TLSConfiguration, _ random: RandomSource, _ problems: inout ProblemList
        ) -> PrivateKey? {
            guard !configuration.privateKeyPEM.isEmpty else { return nil }
            do throws(PrivateKey.Failure) {
                return try PrivateKey(
                    pem: configuration.privateKeyPEM, passphrase: configuration.privateKeyPassphrase, random: random)
            } catch {
                switch error {
                case .unparsable: problems.add(.keyUnparsable, "the private key cannot be parsed")
                case .passphraseMissing:
                    problems.add(.passphraseMissing, "the private key is encrypted, and there is no pass phrase")
                case .passphraseWrong:
                    problems.add(.passphraseWrong, "the pass phrase does not decrypt the private key")
                case .outOfMemory: problems.add(.library, "no memory for the private key")
                }
                return nil
            }
        }

        /// The caller owns the result.
        func makeSettings(_ configuration: TLSConfiguration, _ problems: inout ProblemList) -> OpaquePointer? {
            var status: Int32 = 0
            let isServer: Int32 = configuration.role == .server ? 1 : 0
            let weakKeysAllowed: Int32 = configuration.leafPolicy.refusesWeakKeys ? 0 : 1
            guard let settings = fleetgate_settings_new(isServer, weakKeysAllowed, self.random.pointer, &status) else {
                problems.add(.library, "\(MbedTLSFailure(code: status))")
                return nil
            }
            fleetgate_settings_set_trust(settings, self.trust.certificates.pointer)
            if let chain = self.chain, let key = self.key {
                status = fleetgate_settings_set_identity(settings, chain.pointer, key.pointer)
                if status != 0 {
                    problems.add(.library, "\(MbedTLSFailure(code: status))")
                }
            }
            let versions = configuration.versions
            let lowest = versions.lowerBound.wireValue
            if fleetgate_settings_set_versions(settings, lowest, versions.upperBound.wireValue) != 0 {
                problems.add(.versionUnavailable, "mbedTLS \(MbedTLSLibrary.version) cannot speak \(versions)")
            }
            let suites = configuration.offeredCipherSuites.map(\.rawValue)
            if fleetgate_settings_set_cipher_suites(settings, suites, suites.count) != 0 {
                problems.add(.cipherSuites, "the cipher suites cannot be used: none, too many, or one not built in")
            }
            let groups = configuration.namedGroups.map(\.rawValue)
            if fleetgate_settings_set_named_groups(settings, groups, groups.count) != 0 {
                problems.add(.namedGroups, "the named groups cannot be used: none, or too many")
            }
            for name in configuration.applicationProtocols {
                let bytes = Array(name.utf8)
                if fleetgate_settings_add_protocol(settings, bytes, bytes.count) != 0 {
                    problems.add(.applicationProtocols, "application protocol \"\(name)\" cannot be used")
                }
            }
            status = fleetgate_settings_apply_protocols(settings)
            if status != 0 {
                problems.add(.applicationProtocols, "\(MbedTLSFailure(code: status))")
            }
            if configuration.keepsSessions {
                fleetgate_settings_set_keeps_sessions(settings)
            }
            if !configuration.ticketKeys.isEmpty {
                fleetgate_settings_set_issues_tickets(settings)
            }
            if configuration.sendsCertificateAuthorities {
                fleetgate_settings_set_sends_authorities(settings, 1)
            }
            if let length = configuration.maximumFragmentLength {
                status = fleetgate_settings_set_maximum_fragment_length(settings, length.wireValue)
                if status != 0 {
                    problems.add(.limit, "\(MbedTLSFailure(code: status))")
                }
            }
            return settings
        }
    }
}

extension TLSConfiguration {
    /// The suites of the versions offered.
    var offeredCipherSuites: [TLSCipherSuite] {
        self.cipherSuites.filter { self.versions.contains($0.version) }
    }
}

/// Collects what is wrong with a configuration.
private struct ProblemList {
    private(set) var all: [TLSConfigurationError.Problem] = []
    var isEmpty: Bool { self.all.isEmpty }

    mutating func add(_ code: TLSConfigurationError.Code, _ message: String) {
        self.all.append(.init(code: code, message: message))
    }

    /// What can be seen without parsing.
    mutating func check(_ configuration: TLSConfiguration) {
        if configuration.trustAnchorsPEM.isEmpty {
            self.add(.noTrustAnchors, "there is no trust anchor, and a peer is never accepted without")
        }
        self.checkIdentity(configuration)
        if configuration.versions.upperBound == .v1_3, !MbedTLSLibrary.supportsTLS13 {
            self.add(.versionUnavailable, "TLS 1.3 needs mbedTLS 3.6.6; this is \(MbedTLSLibrary.version)")
        }
        for version in [TLSVersion.v1_2, .v1_3] where configuration.versions.contains(version) {
            if !configuration.cipherSuites.contains(where: { $0.version == version }) {
                self.add(.cipherSuites, "no cipher suite for \(version)")
            }
        }
        if configuration.role == .server, configuration.maximumFragmentLength != nil {
            self.add(.wrongRole, "a server cannot ask for a maximum fragment length, it honours the client's")
        }
        if configuration.role == .client, configuration.sendsCertificateAuthorities {
            self.add(.wrongRole, "a client sends no list of certificate authorities")
        }
        if configuration.role == .server, configuration.keepsSessions {
            self.add(.wrongRole, "a server keeps no sessions, it gives them out as tickets")
        }
        if configuration.role == .client, !configuration.ticketKeys.isEmpty {
            self.add(.wrongRole, "a client gives out no tickets")
        }
        if configuration.role == .client, !configuration.intermediatesPEM.isEmpty || !configuration.anchorRules.isEmpty
        {
            self.add(.wrongRole, "intermediates and rules for anchors are for a server's clients")
        }
        self.checkLimits(configuration)
    }

    private mutating func checkIdentity(_ configuration: TLSConfiguration) {
        switch (configuration.certificateChainPEM.isEmpty, configuration.privateKeyPEM.isEmpty) {
        case (true, true):
            if configuration.role == .server {
                self.add(.noCertificate, "a server needs a certificate and its private key")
            }
        case (true, false): self.add(.noCertificate, "there is a private key but no certificate")
        case (false, true): self.add(.noPrivateKey, "there is a certificate but no private key")
        case (false, false): break
        }
    }

    private mutating func checkLimits(_ configuration: TLSConfiguration) {
        if configuration.handshakeTimeout <= .nanoseconds(0) || configuration.closeTimeout <= .nanoseconds(0) {
            self.add(.limit, "the times for handshake and close must be positive")
        }
        let limits = configuration.limits
        // A full-sized handshake message must fit, or nothing but a timeout comes of it.
        if limits.handshakeBytesInMax < 1_024 || limits.handshakeBytesOutMax < 1_024 {
            self.add(.limit, "a handshake needs at least 1024 bytes each way")
        }
        if configuration.ticketKeys.contains(where: { $0.lifetime <= 0 }) {
            self.add(.limit, "tickets must be good for a second at least")
        }
        if Set(configuration.ticketKeys.map(\.identifier)).count < configuration.ticketKeys.count {
            self.add(.ticketKeys, "two keys of tickets have the same identifier")
        }
        if !(.zero ... .hours(24)).contains(configuration.clockSkew) {
            self.add(.limit, "the allowance for clocks must be from 0 to one day")
        }
        for rules in configuration.anchorRules.values {
            if rules.rsaBitsMin < 2048 || rules.curveBitsMin < 256 || rules.signatureDigests.isEmpty
                || !(1...9).contains(rules.chainDepthMax)
            {
                self.add(
                    .anchorRules,
                    "a trust anchor's rules need RSA of 2048 bits and curves of 256 at least, a digest, and a depth "
                        + "from 1 to 9"
                )
            }
        }
        if limits.plaintextHeldMax < 0 {
            self.add(.limit, "the plaintext held before a handshake cannot be negative")
        }
        if !(1...9).contains(limits.chainDepthMax) {
            self.add(.limit, "the highest depth of a chain must be from 1 to 9")
        }
    }
}
