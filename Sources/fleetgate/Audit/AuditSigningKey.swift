import Crypto
import FleetPolicy
import Foundation

/// The key that checkpoints are signed with: ECDSA P-256 with SHA-256, signatures in DER, as openssl makes and checks them.
struct AuditSigningKey: Sendable {
    private let key: P256.Signing.PrivateKey

    init() { key = P256.Signing.PrivateKey() }

    /// Reads the key of a PEM file, which nobody but its owner may change and nobody but its owner and group may read;
    /// makes it, with mode 0600, when there is none.
    static func load(_ path: String) throws(AuditError) -> AuditSigningKey {
        if !FileManager.default.fileExists(atPath: path) {
            let made = AuditSigningKey()
            do throws(NewDirectory.Failure) {
                try PrivateFile.write(Array((made.key.pemRepresentation + "\n").utf8), to: path)
            } catch {
                throw AuditError(.signingKey, "the audit log's signing key: \(error.description)")
            }
            return made
        }
        do throws(FileProblem) {
            let text = try BoundedFile.readSecret(path, bytesMax: BoundedFile.secretBytesMax)
            guard let key = try? P256.Signing.PrivateKey(pemRepresentation: text) else {
                throw FileProblem(.notReadable, "\(path) is not a P-256 private key in PEM without a pass phrase")
            }
            return AuditSigningKey(key: key)
        } catch {
            throw AuditError(.signingKey, "the audit log's signing key: \(error.description)")
        }
    }

    private init(key: P256.Signing.PrivateKey) { self.key = key }

    var publicKey: AuditPublicKey { AuditPublicKey(key: key.publicKey) }

    /// See ``AuditPublicKey/fingerprint``.
    var fingerprint: String { publicKey.fingerprint }

    /// The signature in DER, in base64.
    func signature(of bytes: [UInt8]) throws(AuditError) -> String {
        do {
            return try key.signature(for: bytes).derRepresentation.base64EncodedString()
        } catch {
            throw AuditError(.signingKey, "the audit log's signing key cannot sign")
        }
    }
}

/// What a checkpoint's signature is checked with.
struct AuditPublicKey: Sendable {
    fileprivate let key: P256.Signing.PublicKey

    fileprivate init(key: P256.Signing.PublicKey) { self.key = key }

    /// A public key in PEM. Nil when it is none of P-256.
    init?(pem: String) {
        guard let key = try? P256.Signing.PublicKey(pemRepresentation: pem) else { return nil }
        self.key = key
    }

    /// A SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) in base64. Nil when it is none of P-256.
    init?(base64 text: String) {
        guard let der = Data(base64Encoded: text), let key = try? P256.Signing.PublicKey(derRepresentation: der) else {
            return nil
        }
        self.key = key
    }

    /// SHA-256 of the DER of the SubjectPublicKeyInfo, in hexadecimal.
    var fingerprint: String { HexadecimalText.text(AuditChain.hash(key.derRepresentation)) }
    /// The DER of the SubjectPublicKeyInfo, in base64.
    var base64: String { key.derRepresentation.base64EncodedString() }
    var pem: String { key.pemRepresentation + "\n" }

    /// - Parameter signature: In DER, in base64.
    func verifies(_ signature: String, of bytes: some Sequence<UInt8>) -> Bool {
        guard let der = Data(base64Encoded: signature),
            let signature = try? P256.Signing.ECDSASignature(derRepresentation: der)
        else { return false }
        return key.isValidSignature(signature, for: Array(bytes))
    }
}
