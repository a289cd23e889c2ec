import FleetPKI
import Foundation
import Testing

@testable import NIOMbedTLS

/// A certificate kept without its key and signature says what the whole one says.
@Suite("certificate identity")
struct CertificateIdentityTests {
    private static let templates: [CertificateTemplate] = [
        TLSTestCredentials.deviceTemplate(),
        TLSTestCredentials.deviceTemplate { $0.keyType = .p384 },
        TLSTestCredentials.deviceTemplate { $0.keyType = .rsa2048 },
        TLSTestCredentials.deviceTemplate { $0.keyType = .ed25519 },
        TLSTestCredentials.deviceTemplate {
            $0.isCA = true
            $0.maxPathLength = 3
        },
        TLSTestCredentials.deviceTemplate {
            $0.purpose = .none
            $0.keyUsage = []
        },
        TLSTestCredentials.deviceTemplate {
            $0.serialNumber = [UInt8](repeating: 0x91, count: 40)
            $0.allowsViolations = true
        },
        TLSTestCredentials.deviceTemplate {
            $0.alternativeNames = [
                .dns("meter-17.example"), .uri("urn:device:17"), .ip("192.0.2.7"), .email("m@example"),
            ]
            $0.purpose = .other(["1.3.6.1.5.5.7.3.2", "2.999.3"])
        },
        TLSTestCredentials.deviceTemplate { $0.additionalExtensions = [.unknownCritical] },
    ]

    private func certificates() throws -> [PeerCertificate] {
        let root = try TLSTestCredentials.get().root
        return try Self.templates.map { try PeerCertificate(parsing: root.issue($0).certificateDER) }
            + PeerCertificate.reading(Array(try root.certificatePEM.utf8))
    }

    @Test func keepsAllButKeyAndSignature() throws {
        for whole in try self.certificates() {
            let kept = try PeerCertificate(identity: whole.identity)
            #expect(whole.isWhole && !kept.isWhole && kept.der.isEmpty)
            #expect(kept == whole && kept.hashValue == whole.hashValue)
            #expect(kept.identity == whole.identity)
            #expect(kept.sha256Fingerprint == whole.sha256Fingerprint && kept.publicKeySHA256 == whole.publicKeySHA256)
            #expect(kept.version == whole.version && kept.serialNumber == whole.serialNumber)
            #expect(kept.subject == whole.subject && kept.issuer == whole.issuer)
            #expect(kept.subjectDER == whole.subjectDER && kept.issuerDER == whole.issuerDER)
            #expect(kept.notBefore == whole.notBefore && kept.notAfter == whole.notAfter)
            #expect(kept.keyAlgorithm == whole.keyAlgorithm && kept.keyBits == whole.keyBits)
            #expect(kept.signatureDigest == whole.signatureDigest)
            #expect(kept.subjectAlternativeNames == whole.subjectAlternativeNames)
            #expect(kept.isCA == whole.isCA && kept.pathLength == whole.pathLength)
            #expect(kept.keyUsage == whole.keyUsage && kept.extendedKeyUsages == whole.extendedKeyUsages)
            #expect(kept.certificatePolicies == whole.certificatePolicies)
            #expect(kept.subjectKeyIdentifier == whole.subjectKeyIdentifier)
            #expect(kept.authorityKeyIdentifier == whole.authorityKeyIdentifier)
            #expect(kept.authorityID.isEmpty && whole.authorityID.count == 32)
        }
    }

    @Test func isSmall() throws {
        let device = try PeerCertificate(parsing: TLSTestCredentials.get().device.certificateDER)
        #expect(device.identity.count < 350, "\(device.identity.count)")
    }

    @Test func anythingElseIsRefused() throws {
        for whole in try self.certificates() {
            let identity = whole.identity
            for count in identity.indices {
                #expect(throws: TLSError.self) { try PeerCertificate(identity: Array(identity.prefix(count))) }
            }
            #expect(throws: TLSError.self) { try PeerCertificate(identity: identity + [0]) }
            #expect(throws: TLSError.self) { try PeerCertificate(identity: [0] + identity.dropFirst()) }
            #expect(throws: TLSError.self) { try PeerCertificate(identity: whole.der) }
        }
        let large = [UInt8](repeating: 1, count: TLSLimits.identityBytesMax + 1)
        #expect(throws: TLSError.self) { try PeerCertificate(identity: large) }
    }

    /// The fuzz targets' entry points, with damaged certificates and identities.
    @Test func anyBytesAreSurvived() throws {
        for whole in try self.certificates() {
            for original in [whole.der, whole.identity] {
                for _ in 0..<1_500 {
                    var bytes = original
                    for _ in 0..<Int.random(in: 1...3) {
                        bytes[Int.random(in: 0..<bytes.count)] = UInt8.random(in: 0...255)
                    }
                    HostileInput.identity(bytes)
                    HostileInput.identity(Array(bytes.prefix(Int.random(in: 0...bytes.count))))
                }
            }
        }
    }
}
