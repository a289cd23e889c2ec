import CPKCS12

/// The calls into the C target, and nothing else: the only file here that sees a pointer.
enum Libcrypto {
    static let iterationRange = 1...10_000_000

    static func decodeKey(pem: String, passphrase: String?) throws(PKIError) -> [UInt8] {
        let text = [UInt8](pem.utf8)
        // The octet at the end is not counted. It keeps the array from being empty, whose pointer may be null, which
        // would mean "no pass phrase" to the C function.
        let secret: [UInt8]? = passphrase.map { [UInt8]($0.utf8) + [0] }
        var buffer = unsafe cpkcs12_buffer()
        defer { unsafe cpkcs12_buffer_free(&buffer) }
        let status = unsafe cpkcs12_key_decode(text, text.count, secret, passphrase?.utf8.count ?? 0, &buffer)
        try self.check(status, passphraseGiven: passphrase)
        return unsafe self.copy(buffer)
    }

    static func encryptKey(
        pkcs8DER: [UInt8],
        passphrase: String,
        iterations: Int
    ) throws(PKIError) -> String {
        let secret = try self.encryptionSecret(passphrase)
        let rounds = try self.rounds(iterations)
        var buffer = unsafe cpkcs12_buffer()
        defer { unsafe cpkcs12_buffer_free(&buffer) }
        let status = unsafe cpkcs12_key_encrypt(
            pkcs8DER, pkcs8DER.count, secret, secret.count, rounds, &buffer
        )
        try self.check(status, passphraseGiven: passphrase)
        return String(decoding: unsafe self.copy(buffer), as: UTF8.self)
    }

    static func archive(
        certificate: [UInt8],
        chain: [UInt8],
        pkcs8DER: [UInt8],
        friendlyName: String?,
        passphrase: String,
        iterations: Int
    ) throws(PKIError) -> [UInt8] {
        _ = try self.encryptionSecret(passphrase)
        let rounds = try self.rounds(iterations)
        if let friendlyName, friendlyName.utf8.contains(0) {
            throw PKIError(code: .invalidArgument, message: "the friendly name has a NUL in it")
        }
        var buffer = unsafe cpkcs12_buffer()
        defer { unsafe cpkcs12_buffer_free(&buffer) }
        let status = unsafe cpkcs12_archive(
            certificate, certificate.count,
            chain, chain.count,
            pkcs8DER, pkcs8DER.count,
            friendlyName, passphrase, rounds, &buffer
        )
        try self.check(status, passphraseGiven: passphrase)
        return unsafe self.copy(buffer)
    }

    static func certificate(archive: [UInt8], passphrase: String?) throws(PKIError) -> [UInt8] {
        if let passphrase, passphrase.utf8.contains(0) {
            throw PKIError(code: .invalidPassphrase, message: "the pass phrase has a NUL in it")
        }
        var buffer = unsafe cpkcs12_buffer()
        defer { unsafe cpkcs12_buffer_free(&buffer) }
        let status = unsafe cpkcs12_certificate(archive, archive.count, passphrase, &buffer)
        try self.check(status, passphraseGiven: passphrase)
        return unsafe self.copy(buffer)
    }

    /// All that an archive holds. What is not there is empty; the other certificates are one after the other.
    static func open(
        archive: [UInt8], passphrase: String?
    ) throws(PKIError) -> (certificate: [UInt8], others: [UInt8], pkcs8DER: [UInt8]) {
        if let passphrase, passphrase.utf8.contains(0) {
            throw PKIError(code: .invalidPassphrase, message: "the pass phrase has a NUL in it")
        }
        var certificate = unsafe cpkcs12_buffer()
        var others = unsafe cpkcs12_buffer()
        var key = unsafe cpkcs12_buffer()
        defer {
            unsafe cpkcs12_buffer_free(&certificate)
            unsafe cpkcs12_buffer_free(&others)
            unsafe cpkcs12_buffer_free(&key)
        }
        let status = unsafe cpkcs12_open(archive, archive.count, passphrase, &certificate, &others, &key)
        try self.check(status, passphraseGiven: passphrase)
        return (unsafe self.copy(certificate), unsafe self.copy(others), unsafe self.copy(key))
    }

    private static func encryptionSecret(_ passphrase: String) throws(PKIError) -> [UInt8] {
        let secret = [UInt8](passphrase.utf8)
        guard !secret.isEmpty, secret.count <= 1024, !secret.contains(0) else {
            throw PKIError(
                code: .invalidPassphrase,
                message: "a pass phrase has 1 to 1024 octets of UTF-8 and no NUL"
            )
        }
        return secret
    }

    private static func rounds(_ iterations: Int) throws(PKIError) -> Int32 {
        guard self.iterationRange.contains(iterations), let rounds = Int32(exactly: iterations) else {
            throw PKIError(code: .invalidArgument, message: "the iteration count is outside \(self.iterationRange)")
        }
        return rounds
    }

    private static func copy(_ buffer: cpkcs12_buffer) -> [UInt8] {
        unsafe [UInt8](UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
    }

    private static func check(_ status: cpkcs12_status, passphraseGiven: String?) throws(PKIError) {
        switch status {
        case CPKCS12_OK:
            return
        case CPKCS12_INVALID_ARGUMENT:
            if let passphraseGiven, passphraseGiven.utf8.count > 1024 {
                throw PKIError(code: .invalidPassphrase, message: "the pass phrase is longer than 1024 octets")
            }
            throw PKIError(code: .inputTooLong, message: "a certificate, chain or key is empty or longer than 1 MiB")
        case CPKCS12_INVALID_CERTIFICATE:
            throw PKIError(code: .malformedCertificate, message: "the certificate is not one DER certificate")
        case CPKCS12_INVALID_CHAIN:
            throw PKIError(code: .malformedCertificate, message: "a certificate of the chain is not DER")
        case CPKCS12_INVALID_KEY:
            throw PKIError(code: .malformedKey, message: "the private key cannot be parsed")
        case CPKCS12_KEY_MISMATCH:
            throw PKIError(code: .keyMismatch, message: "the private key does not belong to the certificate")
        case CPKCS12_PASSPHRASE_REQUIRED:
            throw PKIError(
                code: .passphraseRequired,
                message: "the private key is encrypted and no pass phrase was given"
            )
        case CPKCS12_WRONG_PASSPHRASE:
            throw PKIError(
                code: .wrongPassphrase,
                message: "the private key does not decrypt: another pass phrase, or a damaged file"
            )
        case CPKCS12_INVALID_ARCHIVE:
            throw PKIError(
                code: .malformedArchive,
                message: "not a PKCS#12 archive, or one protected in an outdated way (RC2, for instance)"
            )
        default:
            // A C enumeration is open in Swift; CPKCS12_LIBRARY_FAILURE ends here with whatever is added later.
            throw PKIError(code: .cryptoFailure, message: "libcrypto failed (status \(status.rawValue))")
        }
    }
}
