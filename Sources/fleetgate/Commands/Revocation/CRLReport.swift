import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation

/// What one list says of itself, for people and programs.
struct CRLReport: Encodable, Equatable {
    enum Signature: String, Encodable {
        /// It is that of one of the CAs that were given.
        case good
        /// No CA was given.
        case notChecked = "not-checked"
        case bad
    }

    var issuer: String?
    var number: String?
    var thisUpdate: Date?
    var nextUpdate: Date?
    var isOutdated = false
    var entries: Int?
    var signatureAlgorithm: String?
    var signature: Signature
    /// `all`, `user-certificates`, `ca-certificates`.
    var covers: String?
    var distributionPoints: [String] = []
    /// Why a gateway would not take it.
    var problem: ListStatus.Problem?

    enum CodingKeys: String, CodingKey {
        case issuer, number
        case thisUpdate = "this-update"
        case nextUpdate = "next-update"
        case isOutdated = "outdated"
        case entries
        case signatureAlgorithm = "signature-algorithm"
        case signature, covers
        case distributionPoints = "distribution-points"
        case problem
    }

    /// - Parameter issuers: Nil: the signature is not checked.
    init(der: [UInt8], issuers: KnownAuthorities?, now: Int64) {
        signature = .notChecked
        do throws(PKIError) {
            let header = try CertificateRevocationList.header(of: der)
            issuer = header.issuer
            number = header.number.isEmpty ? nil : HexadecimalText.text(header.number)
            thisUpdate = Date(timeIntervalSince1970: TimeInterval(header.thisUpdate))
            nextUpdate = header.nextUpdate.map { Date(timeIntervalSince1970: TimeInterval($0)) }
            isOutdated = header.nextUpdate.map { $0 < now } ?? false
            entries = header.entryCount
            signatureAlgorithm = header.signatureAlgorithm
            distributionPoints = header.distributionPoints
            covers =
                switch SignedList.Part(header).scope {
                case .all: "all"
                case .userCertificates: "user-certificates"
                case .authorityCertificates: "ca-certificates"
                }
        } catch {
            problem = ListStatus.Problem(RevocationProblem(error))
            return
        }
        guard let issuers else { return }
        do throws(RevocationProblem) {
            let list = try SignedList(der: der, issuers: issuers)
            signature = .good
            var none = AuthorityLists()
            if case .refused(let refusal) = none.offer(list, now: now) { throw refusal }
        } catch {
            if signature != .good { signature = .bad }
            problem = ListStatus.Problem(error)
            if error.reason == RevocationProblem.unknownIssuerReason {
                problem?.message = "none of the CAs given with --issuer has the name of the list's issuer"
            }
        }
    }

    var isAcceptable: Bool { problem == nil && !isOutdated }

    var text: String {
        func date(_ date: Date?) -> String? { date?.formatted(.iso8601) }
        let lines: [(String, String?)] = [
            ("Issuer", issuer), ("Number (hex)", number), ("This update", date(thisUpdate)),
            (
                "Next update",
                issuer == nil ? nil : (date(nextUpdate) ?? "(not said)") + (isOutdated ? ", which has passed" : "")
            ),
            ("Entries", entries.map { "\($0)" }), ("Covers", covers), ("Algorithm", signatureAlgorithm),
            ("Distribution points", distributionPoints.isEmpty ? nil : distributionPoints.joined(separator: " ")),
            ("Signature", issuer == nil ? nil : signature.text),
            ("Refused", problem.map { "\($0.reason): \($0.message)" }),
        ]
        return AlignedColumns.text(lines.compactMap { label, value in value.map { ["\(label):", $0] } })
    }

    /// Prints what a file or an answer holds.
    ///
    /// - Throws: `ExitCode` when a list would not be taken, or is out of date; ``CommandFailure`` when there is none.
    static func print(_ contents: [UInt8], name: String, issuers: KnownAuthorities?, json: Bool) throws {
        let encodings: [[UInt8]]
        do {
            encodings = try CertificateRevocationList.encodings(in: contents)
        } catch {
            throw CommandFailure("\(name): \(error.message) (\(error.code))")
        }
        let now = RevocationTimes.now
        let reports = encodings.map { CRLReport(der: $0, issuers: issuers, now: now) }
        Swift.print(json ? try JSONText.encode(reports) : reports.map(\.text).joined(separator: "\n\n"))
        if reports.contains(where: { !$0.isAcceptable }) { throw ExitCode.failure }
    }
}

extension CRLReport.Signature {
    fileprivate var text: String {
        switch self {
        case .good: "good"
        case .notChecked: "not checked (hint: --issuer)"
        case .bad: "not accepted"
        }
    }
}
