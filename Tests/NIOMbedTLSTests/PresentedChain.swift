import FleetPKI
import Foundation
import NIOMbedTLS
import Testing

/// A chain that a client presents, and what a server has against it.
struct PresentedChain: Sendable, CustomTestStringConvertible {
    /// What there is besides objections: refused for `code`, without the authorization being asked.
    enum Judgement: Sendable, Equatable {
        /// Only these; mostly excusable, empty for a good chain.
        case objections(TLSObjections)
        case inexcusable(TLSError.Code)
    }

    struct Made {
        let certificates: [[UInt8]]
        let key: KeyPair
        /// Instead of the common root.
        var anchor: [UInt8]?

        init(_ issued: IssuedCertificate, _ above: [[UInt8]] = [], anchor: [UInt8]? = nil) {
            self.certificates = [issued.certificateDER] + above
            self.key = issued.key
            self.anchor = anchor
        }

        init(_ leaf: [UInt8], _ key: KeyPair, _ above: [[UInt8]] = []) {
            (self.certificates, self.key) = ([leaf] + above, key)
        }

        var chainPEM: [UInt8] { Array(self.certificates.map(certificatePEM).joined().utf8) }
    }

    let testDescription: String
    let judgement: Judgement
    let chainDepthMax: Int
    let make: @Sendable (TLSTestCredentials) throws -> Made

    init(
        _ name: String, _ judgement: Judgement, chainDepthMax: Int = 4,
        _ make: @escaping @Sendable (TLSTestCredentials) throws -> Made
    ) {
        (self.testDescription, self.judgement, self.chainDepthMax, self.make) = (name, judgement, chainDepthMax, make)
    }

    func server(_ credentials: TLSTestCredentials, _ made: Made) throws -> TLSConfiguration {
        try credentials.serverConfiguration {
            $0.limits.chainDepthMax = self.chainDepthMax
            if let anchor = made.anchor {
                $0.trustAnchorsPEM = Array(certificatePEM(anchor).utf8)
            }
        }
    }

    func client(_ credentials: TLSTestCredentials, _ made: Made, _ version: TLSVersion) throws -> TLSConfiguration {
        try credentials.clientConfiguration(version.only) {
            $0.certificateChainPEM = made.chainPEM
            $0.privateKeyPEM = Array(made.key.pem.utf8)
        }
    }
}

// MARK: How they are made

private typealias Change = @Sendable (inout CertificateTemplate) -> Void

private let expired: Change = {
    $0.notBefore = Date() - 7_200
    $0.notAfter = Date() - 3_600
}
private let notYetValid: Change = { $0.notBefore = Date() + 3_600 }
/// What `openssl req -x509` makes without further options.
private let plain: Change = {
    $0.isCA = true
    $0.keyUsage = []
    $0.purpose = .none
}

private func template(_ changes: [Change]) -> CertificateTemplate {
    TLSTestCredentials.deviceTemplate { template in
        template.allowsViolations = true
        for change in changes { change(&template) }
    }
}

/// A leaf of the common root.
private func ofRoot(_ changes: Change...) -> @Sendable (TLSTestCredentials) throws -> PresentedChain.Made {
    { .init(try $0.root.issue(template(changes))) }
}

/// A leaf of a root that nobody trusts.
private func ofStranger(_ changes: Change...) -> @Sendable (TLSTestCredentials) throws -> PresentedChain.Made {
    { _ in .init(try CertificateAuthority.makeDevelopmentRoot(commonName: "Stranger").issue(template(changes))) }
}

private func selfSigned(_ changes: Change...) -> @Sendable (TLSTestCredentials) throws -> PresentedChain.Made {
    { _ in .init(try CertificateAuthority.selfSigned(template(changes))) }
}

/// A CA made from a template as it is, with dates of any kind.
private func authority(
    _ name: String, below issuer: CertificateAuthority?, _ change: Change = { _ in }
) throws -> (ca: CertificateAuthority, der: [UInt8]) {
    var template = CertificateTemplate(subject: [("CN", name)], purpose: .none, isCA: true, allowsViolations: true)
    change(&template)
    let issued = try issuer?.issue(template) ?? CertificateAuthority.selfSigned(template)
    return (try CertificateAuthority(uncheckedCertificate: issued.certificate, key: issued.key), issued.certificateDER)
}

/// The last byte belongs to the signature.
private func tampered(_ issued: IssuedCertificate) -> [UInt8] {
    var der = issued.certificateDER
    der[der.count - 1] ^= 1
    return der
}

// MARK: The table

extension PresentedChain {
    static let all = Self.good + Self.excusable + Self.inexcusable

    static let good: [PresentedChain] = [
        PresentedChain("good", .objections([]), ofRoot()),
        PresentedChain("good, below an intermediate", .objections([])) {
            let middle = try authority("middle", below: $0.root)
            return .init(try middle.ca.issue(template([])), [middle.der])
        },
        PresentedChain("good, with certificates that nobody needs", .objections([])) {
            let stranger = try authority("stranger", below: nil)
            return .init(try $0.root.issue(template([])), [stranger.der, stranger.der])
        },
    ]

    static let excusable: [PresentedChain] = [
        PresentedChain("expired", .objections(.expired), ofRoot(expired)),
        PresentedChain("expired, below an intermediate", .objections(.expired)) {
            let middle = try authority("middle", below: $0.root)
            return .init(try middle.ca.issue(template([expired])), [middle.der])
        },
        PresentedChain("of a stranger", .objections(.untrusted), ofStranger()),
        PresentedChain("of a stranger of the anchor's name with another key identifier", .objections(.untrusted)) { _ in
            .init(try CertificateAuthority.makeDevelopmentRoot(commonName: "Test Root").issue(template([])))
        },
        PresentedChain("of a stranger, its root sent too", .objections(.untrusted)) { _ in
            let stranger = try authority("stranger", below: nil)
            return .init(try stranger.ca.issue(template([])), [stranger.der])
        },
        PresentedChain("of a stranger's intermediate", .objections(.untrusted)) { _ in
            let stranger = try authority("stranger", below: nil)
            let middle = try authority("middle", below: stranger.ca)
            return .init(try middle.ca.issue(template([])), [middle.der])
        },
        PresentedChain("self-signed", .objections(.untrusted), selfSigned()),
        PresentedChain("self-signed, plain", .objections(.untrusted), selfSigned(plain)),
        PresentedChain("self-signed, plain, sent twice", .objections(.untrusted)) { _ in
            let made = try CertificateAuthority.selfSigned(template([plain]))
            return .init(made, [made.certificateDER])
        },
        PresentedChain(
            "self-signed, may sign certificates", .objections(.untrusted),
            selfSigned {
                $0.keyUsage = [.digitalSignature, .keyCertSign]
            }),
        PresentedChain("self-signed, the root sent too", .objections(.untrusted)) {
            .init(try CertificateAuthority.selfSigned(template([])), [try authorityDER($0.root)])
        },
        PresentedChain("expired, of a stranger", .objections([.expired, .untrusted]), ofStranger(expired)),
        PresentedChain("expired, self-signed, plain", .objections([.expired, .untrusted]), selfSigned(plain, expired)),
    ]

    static let inexcusable: [PresentedChain] = [
        // Dates.
        PresentedChain("not valid yet", .inexcusable(.notYetValid), ofRoot(notYetValid)),
        PresentedChain("not valid yet, of a stranger", .inexcusable(.unknownCA), ofStranger(notYetValid)),
        PresentedChain("not valid yet, self-signed", .inexcusable(.unknownCA), selfSigned(plain, notYetValid)),
        PresentedChain("expired before it became valid", .inexcusable(.expired), ofRoot(expired, notYetValid)),
        PresentedChain("an intermediate that has expired", .inexcusable(.expired)) {
            let middle = try authority("middle", below: $0.root, expired)
            return .init(try middle.ca.issue(template([])), [middle.der])
        },
        PresentedChain("expired, the intermediate too", .inexcusable(.expired)) {
            let middle = try authority("middle", below: $0.root, expired)
            return .init(try middle.ca.issue(template([expired])), [middle.der])
        },
        PresentedChain("expired, an intermediate that is not valid yet", .inexcusable(.expired)) {
            let middle = try authority("middle", below: $0.root, notYetValid)
            return .init(try middle.ca.issue(template([expired])), [middle.der])
        },
        PresentedChain("a stranger's intermediate that has expired", .inexcusable(.unknownCA)) { _ in
            let middle = try authority("middle", below: try authority("stranger", below: nil).ca, expired)
            return .init(try middle.ca.issue(template([])), [middle.der])
        },
        PresentedChain("expired, the trust anchor too", .inexcusable(.expired)) { _ in
            let anchor = try authority("anchor", below: nil, expired)
            return .init(try anchor.ca.issue(template([expired])), anchor: anchor.der)
        },
        PresentedChain("expired, self-signed and sent twice", .inexcusable(.unknownCA)) { _ in
            let made = try CertificateAuthority.selfSigned(template([plain, expired]))
            return .init(made, [made.certificateDER])
        },
        // Signatures.
        PresentedChain("tampered with", .inexcusable(.badSignature)) {
            let issued = try $0.root.issue(template([]))
            return .init(tampered(issued), issued.key)
        },
        PresentedChain("tampered with and expired", .inexcusable(.badSignature)) {
            let issued = try $0.root.issue(template([expired]))
            return .init(tampered(issued), issued.key)
        },
        PresentedChain("tampered with, below an intermediate", .inexcusable(.badSignature)) {
            let middle = try authority("middle", below: $0.root)
            let issued = try middle.ca.issue(template([]))
            return .init(tampered(issued), issued.key, [middle.der])
        },
        PresentedChain("tampered with, below a stranger's root that was sent", .inexcusable(.badSignature)) { _ in
            let stranger = try authority("stranger", below: nil)
            let issued = try stranger.ca.issue(template([expired]))
            return .init(tampered(issued), issued.key, [stranger.der])
        },
        PresentedChain("self-signed, with another of its name above it", .inexcusable(.badSignature)) { _ in
            let other = try CertificateAuthority.selfSigned(template([plain]))
            return .init(try CertificateAuthority.selfSigned(template([plain])), [other.certificateDER])
        },
        PresentedChain("forged in the anchor's name, with its key identifier", .inexcusable(.badSignature)) {
            let root = try PeerCertificate(parsing: try authorityDER($0.root))
            let identifier = root.subjectKeyIdentifier ?? []
            let forger = try CertificateAuthority.makeDevelopmentRoot(commonName: "Test Root")
            return .init(
                try forger.issue(
                    template([
                        expired,
                        {
                            $0.additionalExtensions = [
                                .init(
                                    oid: "2.5.29.35", critical: false,
                                    value: [0x30, UInt8(identifier.count + 2), 0x80, UInt8(identifier.count)]
                                        + identifier)
                            ]
                        },
                    ])))
        },
        // Lengths.
        PresentedChain("too long", .inexcusable(.chainTooLong), chainDepthMax: 1) {
            let middle = try authority("middle", below: $0.root)
            return .init(try middle.ca.issue(template([expired])), [middle.der])
        },
        PresentedChain("too long, of a stranger", .inexcusable(.chainTooLong), chainDepthMax: 1) { _ in
            let stranger = try authority("stranger", below: nil)
            let middle = try authority("middle", below: stranger.ca)
            return .init(try middle.ca.issue(template([])), [middle.der, stranger.der])
        },
        PresentedChain("too long for mbedTLS", .inexcusable(.chainTooLong)) {
            var above: [[UInt8]] = []
            var issuer = $0.root
            for number in 1...10 {
                let next = try authority("CA \(number)", below: issuer)
                above.insert(next.der, at: 0)
                issuer = next.ca
            }
            return .init(try issuer.issue(template([expired])), above)
        },
        PresentedChain("longer than the anchor allows", .inexcusable(.chainTooLong)) { _ in
            let anchor = try authority("anchor", below: nil) { $0.maxPathLength = 0 }
            let middle = try authority("middle", below: anchor.ca)
            return .init(try middle.ca.issue(template([expired])), [middle.der], anchor: anchor.der)
        },
        // What the leaf says.
        PresentedChain("a CA, expired", .inexcusable(.expired), ofRoot(expired, { $0.isCA = true })),
        PresentedChain("a CA, of a stranger", .inexcusable(.unknownCA), ofStranger({ $0.isCA = true })),
        PresentedChain(
            "no digitalSignature, expired", .inexcusable(.expired),
            ofRoot(
                expired,
                {
                    $0.keyUsage = [.keyAgreement]
                })),
        PresentedChain(
            "no digitalSignature, self-signed", .inexcusable(.unknownCA),
            selfSigned(
                plain,
                {
                    $0.keyUsage = [.keyCertSign]
                })),
        PresentedChain("no purpose", .inexcusable(.wrongExtendedKeyUsage), ofRoot({ $0.purpose = .none })),
        PresentedChain("no purpose, expired", .inexcusable(.expired), ofRoot(expired, { $0.purpose = .none })),
        PresentedChain("no purpose, of a stranger", .inexcusable(.unknownCA), ofStranger({ $0.purpose = .none })),
        PresentedChain("a server, expired", .inexcusable(.expired), ofRoot(expired, { $0.purpose = .server })),
        PresentedChain("a server, self-signed", .inexcusable(.unknownCA), selfSigned({ $0.purpose = .server })),
        PresentedChain(
            "any purpose, self-signed", .inexcusable(.unknownCA),
            selfSigned({
                $0.purpose = .other(["2.5.29.37.0"])
            })),
        PresentedChain(
            "serial number 0, expired", .inexcusable(.expired),
            ofRoot(
                expired,
                {
                    $0.serialNumber = [0]
                })),
        PresentedChain(
            "serial number 0, self-signed", .inexcusable(.unknownCA),
            selfSigned(
                plain,
                {
                    $0.serialNumber = [0]
                })),
    ]
}

private func authorityDER(_ authority: CertificateAuthority) throws -> [UInt8] {
    try PeerCertificate.reading(Array(try authority.certificatePEM.utf8))[0].der
}
