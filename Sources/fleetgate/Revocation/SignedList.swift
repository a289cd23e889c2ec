import FleetPKI
import FleetPolicy

/// A list whose signature has been checked, and all that it says.
struct SignedList: Sendable {
    /// Which of its CA's certificates a list is about. Lists of one part replace each other; those of several stand side
    /// by side.
    struct Part: Sendable, Hashable {
        var scope: RevocationList.Scope
        /// Of the issuing distribution point, sorted; empty: the list names none.
        var distributionPoints: [String]

        /// All certificates of the CA, as far as the list says.
        var isWhole: Bool { scope == .all && distributionPoints.isEmpty }
    }

    let issuer: AuthorityID
    let part: Part
    /// Seconds since 1970-01-01T00:00:00Z.
    let thisUpdate: Int64
    /// Likewise; nil: it does not say.
    let nextUpdate: Int64?
    /// Big-endian without leading zeros; empty: it has none.
    let number: [UInt8]
    let signatureAlgorithm: String
    let entries: SerialNumberSet
    /// A hash over the entries' bytes as they were read, to see that a list is the same; no security rests on it.
    let contentHash: Int
}

extension SignedList {
    /// Reads a list and checks its signature. Takes up to seconds: not to be called on an event loop or in an actor.
    ///
    /// - Parameter issuers: The CAs of the list's issuer name.
    /// - Throws: ``RevocationProblem``.
    init(der: [UInt8], issuers: KnownAuthorities) throws(RevocationProblem) {
        do throws(PKIError) {
            let name = try CertificateRevocationList.header(of: der).issuerNameDER
            let candidates = issuers.named(name)
            guard !candidates.isEmpty else { throw Self.unknownIssuer(name) }
            var failure: PKIError?
            for candidate in candidates {
                do throws(PKIError) {
                    self = try Self(der: der, issuedBy: candidate)
                    return
                } catch {
                    // Of namesakes the one is told by its key; what is wrong otherwise is more telling.
                    if failure == nil || failure?.code == .wrongIssuer { failure = error }
                }
            }
            throw failure ?? Self.unknownIssuer(name)
        } catch {
            throw RevocationProblem(error)
        }
    }

    /// - Throws: `PKIError`: those of `CertificateRevocationList.scan`, and `too-many-entries`.
    init(der: [UInt8], issuedBy issuer: AuthorityCertificate) throws(PKIError) {
        var entries = SerialNumberSet()
        let header = try CertificateRevocationList.scan(der: der, issuedBy: issuer.der) {
            (serialNumber, reason, revokedAt) throws(PKIError) in
            let reason = UInt8(exactly: reason).flatMap(RevocationReason.init(rawValue:)) ?? .unspecified
            guard entries.insert(serialNumber, reason: reason, revokedAt: revokedAt) else {
                throw PKIError(
                    code: .init(rawValue: RevocationProblem.tooManyEntriesReason),
                    message: "the list has a serial number of more than 21 octets, or more entries than are held")
            }
        }
        self.issuer = issuer.id
        part = Part(header)
        thisUpdate = header.thisUpdate
        nextUpdate = header.nextUpdate
        number = header.number
        signatureAlgorithm = header.signatureAlgorithm
        self.entries = entries
        // In one piece: an array's own hash takes its bytes one by one.
        var hasher = Hasher()
        unsafe der.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        contentHash = hasher.finalize()
    }

    private static func unknownIssuer(_ name: [UInt8]) -> PKIError {
        PKIError(
            code: .init(rawValue: RevocationProblem.unknownIssuerReason),
            message: "the list is of none of the CAs that are known here: neither a trust anchor nor a configured "
                + "intermediate, and no device came with such a CA yet")
    }
}

extension SignedList.Part {
    init(_ header: RevocationListHeader) {
        scope =
            header.onlyUserCertificates
            ? .userCertificates : header.onlyCACertificates ? .authorityCertificates : .all
        distributionPoints = header.distributionPoints.sorted()
    }
}

/// What a file or an answer holds: lists, and those that are not taken.
struct ListReading: Sendable {
    var lists: [(list: SignedList, der: [UInt8])] = []
    var problems: [RevocationProblem] = []

    /// Lists of one PEM file that are looked at: as many as there are CAs that are ever known.
    private static let listsMax = 1024

    /// The first thing that is wrong. That there is a list of a CA that is not known is nothing when there are others: a
    /// file with the lists of many CAs serves several gateways.
    var problem: RevocationProblem? {
        problems.first { lists.isEmpty || $0.reason != RevocationProblem.unknownIssuerReason }
    }

    /// Whether there is a list among them that may count once its CA is known.
    var hasUnknownIssuers: Bool { problems.contains { $0.reason == RevocationProblem.unknownIssuerReason } }

    /// - Parameter contents: One list in DER, or PEM with several.
    init(_ contents: [UInt8], issuers: KnownAuthorities) {
        let encodings: [[UInt8]]
        do {
            encodings = try CertificateRevocationList.encodings(in: contents)
        } catch {
            problems = [RevocationProblem(error)]
            return
        }
        for der in encodings.prefix(Self.listsMax) {
            do throws(RevocationProblem) {
                lists.append((try SignedList(der: der, issuers: issuers), der))
            } catch {
                problems.append(error)
            }
        }
        if encodings.count > Self.listsMax {
            problems.append(
                RevocationProblem("too-many-lists", "of more than \(Self.listsMax) lists in one file the rest is left"))
        }
    }
}
