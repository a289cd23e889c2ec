internal import CMbedTLS

// One class for each C object: the pointer is freed with it, and never leaves but for the duration of a call.

/// A seeded random number generator (`mbedtls_ctr_drbg_context` with its entropy source).
final class RandomSource {
    let pointer: OpaquePointer

    /// - Throws: the mbedTLS code.
    init() throws(MbedTLSFailure) {
        var code: Int32 = 0
        guard let pointer = fleetgate_random_new(&code) else {
            throw MbedTLSFailure(code: code)
        }
        self.pointer = pointer
    }

    deinit {
        fleetgate_random_free(self.pointer)
    }
}

/// One or more certificates (`mbedtls_x509_crt`).
final class CertificateChain {
    let pointer: OpaquePointer

    /// - Throws: the mbedTLS code, or the positive number of certificates that could not be parsed.
    init(pem: [UInt8]) throws(MbedTLSFailure) {
        var code: Int32 = 0
        guard let pointer = fleetgate_certificates_new(pem, pem.count, &code) else {
            throw MbedTLSFailure(code: code)
        }
        self.pointer = pointer
    }

    /// As a peer would present them; those of a kind that mbedTLS passes over are left out.
    ///
    /// - Throws: the mbedTLS code of the first that it refuses to parse.
    init(presented ders: [[UInt8]]) throws(MbedTLSFailure) {
        var code: Int32 = 0
        guard let pointer = fleetgate_certificates_new_empty(&code) else {
            throw MbedTLSFailure(code: code)
        }
        self.pointer = pointer
        for der in ders {
            try self.append(der)
        }
    }

    /// Only while nothing else uses it.
    func append(_ der: [UInt8]) throws(MbedTLSFailure) {
        let status = fleetgate_certificates_add_presented(self.pointer, der, der.count)
        guard status == 0 else {
            throw MbedTLSFailure(code: status)
        }
    }

    deinit {
        fleetgate_certificates_free(self.pointer)
    }

    /// The DER of every certificate, in order.
    var ders: [[UInt8]] {
        (0..<fleetgate_certificates_count(self.pointer)).map { index in
            var length = 0
            let start = fleetgate_certificates_der(self.pointer, index, &length)
            return Array(UnsafeBufferPointer(start: start, count: length))
        }
    }
}

/// A private key (`mbedtls_pk_context`).
final class PrivateKey {
    /// Why a key could not be had.
    enum Failure: Error {
        case unparsable, passphraseMissing, passphraseWrong, outOfMemory
    }

    let pointer: OpaquePointer

    init(pem: [UInt8], passphrase: [UInt8]?, random: RandomSource) throws(Failure) {
        var result = fleetgate_key_result.unparsable
        let pointer =
            if let passphrase {
                // An empty Swift array has no address, and to C a null means that there is no pass phrase.
                fleetgate_key_new(
                    pem, pem.count, passphrase + [0], passphrase.count, random.pointer, &result)
            } else {
                fleetgate_key_new(pem, pem.count, nil, 0, random.pointer, &result)
            }
        guard let pointer else {
            switch result {
            case .parsed, .unparsable: throw .unparsable
            case .needsPassPhrase: throw .passphraseMissing
            case .wrongPassPhrase: throw .passphraseWrong
            case .noMemory: throw .outOfMemory
            }
        }
        self.pointer = pointer
    }

    deinit {
        fleetgate_key_free(self.pointer)
    }

    /// Whether it is the key of the chain's first certificate.
    func matches(_ chain: CertificateChain, random: RandomSource) -> Bool {
        fleetgate_key_matches(self.pointer, chain.pointer, random.pointer) != 0
    }
}

/// An mbedTLS error code with its text.
struct MbedTLSFailure: Error, CustomStringConvertible {
    let code: Int32

    var description: String {
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 160) { buffer -> String in
            guard let start = buffer.baseAddress else { return "" }
            fleetgate_error_text(self.code, start, buffer.count)
            return String(cString: start)
        }
        let number = self.code < 0 ? "-0x\(String(self.code.magnitude, radix: 16, uppercase: true))" : "\(self.code)"
        return "\(text) (\(number))"
    }
}
