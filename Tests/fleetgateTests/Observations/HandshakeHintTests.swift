import FleetPKI
import NIOMbedTLS
import Testing

@testable import fleetgate

@Suite struct HandshakeHintTests {
    private let credentials: ObservedCredentials
    private let context: HintContext

    init() throws {
        credentials = try ObservedCredentials.get()
        context = HintContext(
            authorities: [.init(bundle: "factory", certificate: credentials.rootCertificate)],
            tls: TLSConfiguration(role: .server, trustAnchorsPEM: [], versions: .v1_2 ... .v1_3))
    }

    private func hint(
        _ code: TLSError.Code, _ detail: String = "", _ certificate: PeerCertificate? = nil,
        issuers: [PeerCertificate] = [], hello: TLSClientHello? = nil, received: TLSAlert? = nil,
        fault: TLSError.Fault = .peer, known: Bool = true, at now: Int64 = ObservationGate.now
    ) -> String {
        HandshakeHint.text(
            for: TLSError(
                code: code, fault: fault, detail: detail, peerCertificate: certificate, alertReceived: received,
                clientHello: hello, presentedIssuers: issuers),
            context: known ? context : nil, now: now)
    }

    private static func hello(
        versions: [UInt16] = [0x0304, 0x0303], suites: [UInt16] = [0x1301], groups: [UInt16] = [0x001D],
        protocols: [String] = []
    ) -> TLSClientHello {
        TLSClientHello(
            versions: versions, cipherSuites: suites, namedGroups: groups, signatureSchemes: [], serverName: nil,
            applicationProtocols: protocols, offersResumption: false)
    }

    // MARK: Issuers

    @Test func anUnknownIssuerIsNamedWithThoseThatAreKnown() throws {
        let other = try CertificateAuthority.makeDevelopmentRoot(commonName: "Vendor Root", maxPathLength: nil)
        let hint = hint(.unknownCA, "", try ObservedCredentials.issue(other))
        #expect(hint.contains("issuer \"CN=Vendor Root"))
        #expect(hint.contains("known anchors: \"CN=Fleet Root"))
        #expect(hint.contains("(factory)"))
        #expect(hint.contains("trust.intermediates"))
        #expect(self.hint(.unknownCA, known: false) == "no trust anchor is configured")
    }

    @Test func theTopOfThePresentedChainIsWhatIsMissing() throws {
        let other = try CertificateAuthority.makeDevelopmentRoot(commonName: "Vendor Root", maxPathLength: nil)
        let root = try ObservedCredentials.read(try other.certificatePEM)
        let hint = hint(.unknownCA, "", try ObservedCredentials.issue(other), issuers: [root])
        #expect(hint.contains("issuer \"CN=Vendor Root"))
        #expect(!hint.contains("trust.intermediates"))
    }

    @Test func anotherKeyUnderAKnownNameIsTold() throws {
        let namesake = try CertificateAuthority.makeDevelopmentRoot(commonName: "Fleet Root", maxPathLength: nil)
        let device = try ObservedCredentials.issue(namesake)
        #expect(hint(.unknownCA, "", device).contains("with another key"))
        #expect(hint(.badSignature, "", device).contains("its key did not make the signature"))
        let other = try CertificateAuthority.makeDevelopmentRoot(commonName: "Vendor Root", maxPathLength: nil)
        #expect(
            hint(.badSignature, "", try ObservedCredentials.issue(other)).contains("or the certificate was changed"))
    }

    @Test(arguments: [(true, "may not sign certificates"), (false, "path length")])
    func anIntermediateOfAKnownCAIsAtFault(isPretender: Bool, words: String) throws {
        var template = CertificateTemplate(subject: [("CN", "Middle")], purpose: .none, isCA: true)
        if isPretender { template.keyUsage = [.digitalSignature] }
        let middle = try credentials.root.issue(template)
        let authority = try CertificateAuthority(uncheckedCertificate: middle.certificate, key: middle.key)
        let hint = hint(
            .unknownCA, "", try ObservedCredentials.issue(authority),
            issuers: [try ObservedCredentials.read(middle.certificatePEM)])
        #expect(hint.contains(words) && !hint.contains("another key"), "\(hint)")
    }

    @Test(arguments: [
        TLSError.Code.unsupportedCriticalExtension, .unsupportedKey, .unsupportedSignature, .notV3, .badSerial,
    ])
    func whatCannotBeTakenIsToBeIssuedAnew(code: TLSError.Code) {
        #expect(hint(code, "", credentials.device).contains("has to") || hint(code).contains("issue it anew"))
    }

    @Test func aSelfSignedCertificateCanBePinned() {
        #expect(hint(.unknownCA, "", credentials.rootCertificate).contains("fleetgate device pin"))
    }

    @Test func manyAnchorsAreNotAllNamed() {
        var many = context
        many.authorities = Array(repeating: many.authorities[0], count: 9)
        let error = TLSError(code: .unknownCA, fault: .peer, detail: "")
        #expect(HandshakeHint.text(for: error, context: many, now: 0).hasSuffix("and 4 more"))
    }

    // MARK: Validity

    @Test(arguments: [(12 * 86_400 + 5, "12 days"), (3 * 3600, "3 h"), (60, "60 s"), (1, "1 s")])
    func whatHasExpiredSaysWhen(seconds: Int, span: String) {
        let hint = hint(.expired, "", credentials.device, at: credentials.device.notAfter + Int64(seconds))
        #expect(hint.hasPrefix("the certificate expired \(span) ago"))
    }

    @Test(arguments: [(3 * 3600, "3 h", "clock"), (90 * 86_400, "90 days", "in advance")])
    func whatIsNotYetValidSaysBywhat(seconds: Int, span: String, cause: String) {
        let hint = hint(.notYetValid, "", credentials.device, at: credentials.device.notBefore - Int64(seconds))
        #expect(hint.contains("by \(span)"))
        #expect(hint.contains(cause))
    }

    @Test func aCAsValidityIsNotTheLeafs() {
        let within = credentials.device.notBefore + 10
        #expect(hint(.expired, "", credentials.device, at: within).contains("a CA certificate of the chain"))
        #expect(hint(.notYetValid, "", credentials.device, at: within).contains("a CA certificate of the chain"))
        #expect(hint(.expired).contains("a CA certificate of the chain"))
    }

    // MARK: Everything else

    @Test func theOfferIsCompared() {
        #expect(
            hint(.noSharedVersion, hello: Self.hello(versions: [0x0A0A, 0x0301, 0x0302]))
                == "the device offers only up to TLS 1.1; the listener takes TLS 1.2 to TLS 1.3")
        #expect(hint(.noSharedVersion, known: false).contains("offers no version"))
        #expect(
            hint(.noSharedCipher, hello: Self.hello(suites: [0x002F, 0xBEEF, 0x1A1A]))
                == "no suite in common: offered TLS_RSA_WITH_AES_128_CBC_SHA, 0xBEEF")
        #expect(
            hint(.noSharedCipher, hello: Self.hello(groups: [0x0019]))
                == "no group in common: offered secp521r1")
        #expect(hint(.noSharedCipher, hello: Self.hello()).contains("RSA or ECDSA"))
        #expect(hint(.noSharedCipher, hello: Self.hello(suites: Array(0xAA01...0xAA40))).contains("and 58 more"))
        #expect(hint(.noSharedALPN, hello: Self.hello(protocols: ["h2"])).contains("h2; taken: mqtt"))
        #expect(hint(.noSharedCipher, known: false).contains("no cipher suite"))
    }

    @Test(arguments: [
        ("looks like an MQTT CONNECT without TLS", "plain MQTT"), ("looks like HTTP", "no device"),
        ("looks like PROXY protocol", "load balancer"), ("not a TLS record: starts with byte 0", "scanner"),
    ])
    func firstBytesSayWhatItIs(detail: String, words: String) {
        #expect(hint(.notTLS, detail).contains(words))
    }

    @Test(arguments: [
        (TLSAlert.unknownCA, "does not trust the gateway"), (.certificateExpired, "clock"), (.badCertificate, "name"),
        (.protocolVersion, "version"), (.internalError, "memory"), (TLSAlert(rawValue: 200), "alert(200)"),
    ])
    func theDevicesAlertIsExplained(alert: TLSAlert, words: String) {
        #expect(hint(.peerAlert, received: alert).contains(words))
    }

    @Test func hangingUpIsTwoThings() {
        #expect(hint(.eofDuringHandshake).contains("health check"))
        #expect(hint(.eofDuringHandshake, hello: Self.hello()).contains("does not trust the gateway"))
    }

    @Test(arguments: [
        (TLSError.Code.noCertificate, "sent no certificate"), (.wrongExtendedKeyUsage, "require-client-auth-eku"),
        (.wrongKeyUsage, "digitalSignature"), (.leafIsCA, "CA certificate"), (.weakSignature, "signature-digests"),
        (.chainTooLong, "chain-depth-max"), (.certificateUnparsable, "cert inspect"),
        (.handshakeTimeout, "handshake-timeout"), (.handshakeTooLarge, "large certificates"),
        (.weakKey, "rsa-bits-min"),
    ])
    func eachCodeHasItsHint(code: TLSError.Code, words: String) {
        #expect(hint(code).contains(words))
    }

    @Test func ofATimeoutItSaysWhoWasSlow() {
        #expect(hint(.handshakeTimeout, fault: .local).contains("fleetgate_handshakes_waiting"))
        #expect(hint(.handshakeTimeout, fault: .peer).contains("device"))
    }

    @Test(arguments: [TLSError.Code.internalError, .peerAlert, TLSError.Code(rawValue: "of-a-later-version")])
    func whereNothingIsKnownNothingIsSaid(code: TLSError.Code) {
        #expect(hint(code).isEmpty)
    }

    @Test func textOfCertificatesIsMadeVisible() throws {
        let hostile = try CertificateAuthority.makeDevelopmentRoot(
            commonName: "A\u{1B}[2J\u{202E}B", maxPathLength: nil)
        let hint = hint(.unknownCA, "", try ObservedCredentials.issue(hostile))
        #expect(!hint.unicodeScalars.contains("\u{1B}"))
        #expect(!hint.unicodeScalars.contains("\u{202E}"))
    }
}
