import NIOMbedTLS

/// What a listener asks of devices, as far as hints speak of it.
struct HintContext: Sendable {
    /// A trust anchor or a configured intermediate CA.
    struct Authority: Sendable {
        /// The bundle that it is in, as the configuration names it.
        let bundle: String
        let certificate: PeerCertificate
    }

    var authorities: [Authority]
    var versions: ClosedRange<TLSVersion>
    var cipherSuites: [TLSCipherSuite]
    var namedGroups: [TLSNamedGroup]
    var applicationProtocols: [String]

    init(authorities: [Authority], tls: TLSConfiguration) {
        self.authorities = authorities
        versions = tls.versions
        cipherSuites = tls.cipherSuites
        namedGroups = tls.namedGroups
        applicationProtocols = tls.applicationProtocols
    }
}
