import FleetPKI

/// Why a revocation list is not taken. The list that was in force before stays in force.
struct RevocationProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable code in kebab-case, for logs and `crl status`. What is wrong with the bytes has the code of `PKIError`,
    /// what is wrong with a request that of ``HTTPFetchError``, with a file that of ``FileProblem``.
    let reason: String
    /// One sentence for the operator. Made visible.
    let description: String

    init(_ reason: String, _ description: String) {
        self.reason = reason
        self.description = LogText.visible(String(description.prefix(512)))
    }

    init(_ error: PKIError) { self.init(error.code.rawValue, error.message) }
    init(_ error: HTTPFetchError) { self.init(error.reason.rawValue, error.description) }
    init(_ error: FileProblem) { self.init(error.reason.rawValue, error.description) }

    /// Its issuer is none of the CAs that are known here.
    static let unknownIssuerReason = "unknown-issuer"
    /// Its thisUpdate lies in the future.
    static let notYetValidReason = "not-yet-valid"
    /// The one in force has a higher number, or the same and a later thisUpdate.
    static let olderReason = "older-list"
    /// Its number is lower than that of the one in force, although it was made later: the CA counts from the beginning
    /// again, or has two places where lists are made.
    static let numberWentBackReason = "number-went-back"
    /// Its nextUpdate is not after its thisUpdate.
    static let badDatesReason = "bad-dates"
    /// It cannot be held: a serial number that no certificate can have, or more entries than are held.
    static let tooManyEntriesReason = "too-many-entries"
    /// Its issuer has as many partitioned lists as are held already.
    static let tooManyPartsReason = "too-many-parts"
}
