import DeviceRegistry
import Foundation

/// All certificates that fit a query, page after page.
struct CertificatePages {
    let source: any ObservationSource
    let query: CertificateQuery
    /// Certificates in all; nil: no bound.
    let limit: Int?

    /// - Returns: Whether there may be more than the limit let through.
    func each(_ body: ([ObservedCertificate]) throws -> Void) async throws -> Bool {
        var query = query
        var rest = limit ?? .max
        while rest > 0 {
            query.limit = min(rest, CertificateQuery.limitMax)
            let page = try await source.certificates(query)
            if !page.isEmpty { try body(page) }
            rest -= page.count
            guard page.count == query.limit, let last = page.last else { return false }
            query.after = CertificateQuery.Cursor(last)
        }
        return true
    }
}

/// Writes a listing out as its pages come: each page aligned in itself.
final class CertificateListWriter {
    private let json: Bool
    private let now: Int64
    private let weakness: CertificateQuery.Weakness?
    private let print: (String) -> Void
    private var array: ListingArray
    private var count = 0

    init(
        json: Bool, now: Int64, weakness: CertificateQuery.Weakness? = nil, print: @escaping (String) -> Void
    ) {
        self.json = json
        self.now = now
        self.weakness = weakness
        self.print = print
        array = ListingArray(print: print)
    }

    func page(_ certificates: [ObservedCertificate]) throws {
        if json {
            for certificate in certificates {
                let weaknesses = weakness.map { CertificateWeaknesses.text(certificate, $0) }
                array.append(try CertificateListing(certificate, weaknesses: weaknesses).line())
            }
        } else {
            let headings = ["EXPIRES", "DEVICE", "KEY", "LAST SEEN", "SHA-256", weakness == nil ? "SUBJECT" : "WHY"]
            print(AlignedColumns.text((count == 0 ? [headings] : []) + certificates.map(row)))
        }
        count += certificates.count
    }

    func end(isCutOff: Bool) {
        if json {
            array.end()
        } else {
            let more = isCutOff ? " (there may be more: --limit)" : ""
            print((count > 0 ? "\n" : "") + (count == 1 ? "1 certificate" : "\(count) certificates") + more)
        }
    }

    private func row(_ certificate: ObservedCertificate) -> [String] {
        [
            Self.expiry(certificate, now: now), certificate.device.isEmpty ? "-" : certificate.device,
            CertificateListing.key(certificate), DeviceTimes.relative(certificate.lastSeen, now: now),
            String(certificate.fingerprint.prefix(16)),
            weakness.map { CertificateWeaknesses.text(certificate, $0).joined(separator: "; ") }
                ?? certificate.subject,
        ]
    }

    /// `2026-12-01 (in 10 days)`, `2026-11-01 (20 days ago, renewed)`
    static func expiry(_ certificate: ObservedCertificate, now: Int64) -> String {
        let (left, overflow) = certificate.notAfter.subtractingReportingOverflow(now)
        let date = String(DeviceTimes.text(certificate.notAfter).prefix(10))
        guard !overflow else { return date }
        let span = left < 0 ? "\(Spans.text(-left)) ago" : "in \(Spans.text(left))"
        return "\(date) (\(span)\(certificate.isRenewed ? ", renewed" : ""))"
    }
}
