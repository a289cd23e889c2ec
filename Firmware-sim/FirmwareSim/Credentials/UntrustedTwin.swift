import FleetPKI
import Synchronization

/// A CA with the names of the real one and other keys, made when the first device with a certificate of the kind
/// ``CredentialKind/wrongCA`` asks for it. It is never written to disk. Safe to use from any thread.
final class UntrustedTwin: Sendable {
    private let original: CertificateAuthority
    private let made = Mutex<CertificateAuthority?>(nil)

    init(of original: CertificateAuthority) {
        self.original = original
    }

    /// - Throws: ``SimulatorError`` if it cannot be made.
    func authority() throws(SimulatorError) -> CertificateAuthority {
        try made.withLock { made throws(SimulatorError) in
            if let made { return made }
            do throws(PKIError) {
                let twin = try original.makeNamesake()
                made = twin
                return twin
            } catch {
                throw .file(error.code.rawValue, "no untrusted CA of the same name: \(error.message)")
            }
        }
    }
}
