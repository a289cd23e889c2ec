internal import CMbedTLS

/// The mbedTLS that this program is linked with. Everything here may be used from any thread.
public struct MbedTLSLibrary: Sendable {
    /// Whether P-256 is computed by libcrypto instead of mbedTLS.
    public enum FastP256State: String, Sendable, Hashable {
        /// Built without the trait `FastP256`: mbedTLS computes alone.
        case compiledOut = "compiled-out"
        /// In use: its results agreed with mbedTLS's own at the self-check.
        case active
        /// Compiled in but switched off, because the self-check found a difference or libcrypto could not compute.
        case disabled = "self-check-failed"
    }

    /// The version linked, such as `3.6.6`.
    public static let version: String = {
        let number = fleetgate_library_version_number()
        return "\(number >> 24).\((number >> 16) & 0xFF).\((number >> 8) & 0xFF)"
    }()

    /// Whether P-256 goes to libcrypto. The first use runs the self-check (about a tenth of a second of CPU time);
    /// ``prepare()`` does so too.
    public static var fastP256: FastP256State { preparation.fastP256 }

    /// Whether TLS 1.3 is offered: with mbedTLS 3.6.6 and later only, because of CVE-2026-34873 (3.5.0 to 3.6.5).
    public static let supportsTLS13: Bool =
        fleetgate_library_has_tls13() != 0 && fleetgate_library_version_number() >= 0x0306_0600

    /// Initialises the library once for the whole process: its lazily filled tables, which no lock protects, PSA where
    /// there is one (`psa_crypto_init`), and the P-256 self-check. ``TLSContext`` does this by itself; calling it first
    /// thing keeps the cost out of the first context.
    ///
    /// - Throws: ``TLSError`` with `internal-error` when the library cannot be used: compiled against other headers,
    ///   TLS 1.3 built without threading support, or a failed initialisation.
    public static func prepare() throws(TLSError) {
        if let error = preparation.error {
            throw error
        }
    }

    private struct Preparation: Sendable {
        var error: TLSError?
        var fastP256: FastP256State
    }

    /// A lazy global is the once-guard.
    private static let preparation: Preparation = {
        func failed(_ detail: String, mbedTLSCode: Int32? = nil) -> Preparation {
            Preparation(
                error: TLSError(code: .internalError, fault: .operator, detail: detail, mbedTLSCode: mbedTLSCode),
                fastP256: .compiledOut
            )
        }
        guard fleetgate_library_headers_match() != 0 else {
            return failed("compiled against the headers of another mbedTLS than \(version)")
        }
        // PSA, which 3.6 computes TLS 1.3 with, is only safe on several threads when mbedTLS has threading. (2.28
        // does not need it, because no object of ours is shared by two event loops.)
        guard fleetgate_library_has_tls13() == 0 || fleetgate_library_is_threaded() != 0 else {
            return failed("mbedTLS \(version) has TLS 1.3 but was built without MBEDTLS_THREADING_C")
        }
        let status = fleetgate_library_prepare()
        guard status == 0 else {
            return failed("mbedTLS \(version) could not be initialised", mbedTLSCode: status)
        }
        let state: FastP256State =
            switch fleetgate_p256_self_check() {
            case .agrees: .active
            case .notCompiledIn: .compiledOut
            case .disagrees, .unusable: .disabled
            }
        return Preparation(error: nil, fastP256: state)
    }()
}
