import Crypto
import SwiftASN1
public import X509
import _CryptoExtras

/// The kinds of key that can be made.
public enum KeyType: String, Sendable, Hashable, CaseIterable, Codable {
    /// ECDSA on NIST P-256 (secp256r1): the default, and what constrained devices have in hardware.
    case p256
    /// ECDSA on NIST P-384 (secp384r1).
    case p384
    /// RSA with a modulus of 2048 bits. Making one takes some hundred times as long as an EC key.
    case rsa2048
    /// RSA with a modulus of 3072 bits.
    case rsa3072
    /// RSA with a modulus of 4096 bits.
    case rsa4096
    /// Ed25519. mbedTLS cannot use it: for tests of the refusal.
    case ed25519
}

/// A private key with its public key.
///
/// An immutable value, safe to use from several threads at once. It is never printed: its description names the kind of
/// key only. Swift gives no control over copies of an array, so key octets are not wiped when the value goes.
public struct KeyPair: Sendable {
    /// The key as swift-certificates wants it.
    public let certificateKey: Certificate.PrivateKey
    /// PKCS#8 PrivateKeyInfo (RFC 5958) in DER, not encrypted.
    public let pkcs8DER: [UInt8]

    /// The public key.
    public var publicKey: Certificate.PublicKey { self.certificateKey.publicKey }

    /// PKCS#8 in PEM (`PRIVATE KEY`), not encrypted.
    public var pem: String { PEMBlock.encode(label: "PRIVATE KEY", der: self.pkcs8DER) }

    /// Makes a new random key.
    ///
    /// - Throws: ``PKIError`` `crypto-failure`.
    public static func generate(_ type: KeyType = .p256) throws(PKIError) -> KeyPair {
        do {
            switch type {
            case .p256:
                let key = P256.Signing.PrivateKey(compactRepresentable: false)
                return KeyPair(certificateKey: .init(key), pkcs8DER: [UInt8](key.derRepresentation))
            case .p384:
                let key = P384.Signing.PrivateKey(compactRepresentable: false)
                return KeyPair(certificateKey: .init(key), pkcs8DER: [UInt8](key.derRepresentation))
            case .rsa2048: return try self.rsa(.bits2048)
            case .rsa3072: return try self.rsa(.bits3072)
            case .rsa4096: return try self.rsa(.bits4096)
            case .ed25519:
                let key = Certificate.PrivateKey(Curve25519.Signing.PrivateKey())
                return KeyPair(certificateKey: key, pkcs8DER: try key.serializeAsPEM().derBytes)
            }
        } catch let error as PKIError {
            throw error
        } catch {
            throw PKIError(code: .cryptoFailure, message: "a key of type \(type.rawValue) could not be made")
        }
    }

    private static func rsa(_ size: _RSA.Signing.KeySize) throws -> KeyPair {
        let key = Certificate.PrivateKey(try _RSA.Signing.PrivateKey(keySize: size))
        // swift-crypto's own serialisation of an RSA key is PKCS#1; libcrypto turns it into PKCS#8.
        return try KeyPair(pem: key.serializeAsPEM().pemString)
    }

    /// Reads a private key in PEM: PKCS#8 plain or encrypted, SEC 1, or PKCS#1.
    ///
    /// - Parameters:
    ///   - pem: A text with exactly one private key; other blocks (certificates, EC parameters) are skipped.
    ///   - passphrase: For an encrypted key.
    /// - Throws: ``PKIError``: `no-pem-block`, `several-items`, `passphrase-required`, `wrong-passphrase`,
    ///   `malformed-key`, `unsupported-key`.
    public init(pem: String, passphrase: String? = nil) throws(PKIError) {
        try self.init(pkcs8DER: PrivateKeyPEM.decode(pem, passphrase: passphrase))
    }

    /// Reads PKCS#8 PrivateKeyInfo in DER, not encrypted.
    ///
    /// - Throws: ``PKIError`` `unsupported-key`.
    public init(pkcs8DER: [UInt8]) throws(PKIError) {
        do {
            self.init(certificateKey: try Certificate.PrivateKey(derBytes: pkcs8DER), pkcs8DER: pkcs8DER)
        } catch {
            throw PKIError(
                code: .unsupportedKey,
                message: "the private key is not RSA (2048 bits or more), EC on P-256, P-384 or P-521, or Ed25519"
            )
        }
    }

    private init(certificateKey: Certificate.PrivateKey, pkcs8DER: [UInt8]) {
        self.certificateKey = certificateKey
        self.pkcs8DER = pkcs8DER
    }
}

extension KeyPair: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "KeyPair(\(self.certificateKey.description))" }
    public var debugDescription: String { self.description }
    /// Empty, so that `dump` and test failure messages do not show the key.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
