import FleetPolicy
import Foundation

extension RevocationStore {
    /// Of every CA that is known, by its label.
    func statuses() -> [ListStatus] {
        let time = now()
        return known.byID.values.map { status(of: $0, at: time) }.sorted { $0.authority < $1.authority }
    }

    /// Of every file, folder and address, by name.
    func sourceStatuses() -> [SourceStatus] {
        let files = watched.map { path, file in
            SourceStatus(
                source: path, isDistributionPoint: false, nextRefresh: nil, failures: file.problem == nil ? 0 : 1,
                problem: file.problem.map(ListStatus.Problem.init))
        }
        let absent = missing.map { path, problem in
            SourceStatus(
                source: path, isDistributionPoint: false, nextRefresh: nil, failures: 1,
                problem: ListStatus.Problem(problem))
        }
        let addresses = fetches.map { url, fetch in
            SourceStatus(
                source: url, isDistributionPoint: fetch.isDistributionPoint,
                nextRefresh: Date(timeIntervalSince1970: TimeInterval(fetch.due)), failures: fetch.failures,
                problem: fetch.problem.map(ListStatus.Problem.init))
        }
        return (files + absent + addresses).sorted { $0.source < $1.source }
    }

    private func status(of authority: AuthorityCertificate, at time: Int64) -> ListStatus {
        let bundles = known.bundles(of: authority.id).sorted()
        let list = combined[authority.id]
        let parts = lists[authority.id]?.parts.values.map(\.self) ?? []
        let state: ListStatus.State =
            list.map { ($0.nextUpdate.map { $0 < time } ?? false) ? .outdated : .inForce } ?? .missing
        return ListStatus(
            authority: authority.label, id: HexadecimalText.text(authority.id.bytes), subject: authority.subject,
            bundles: bundles, policy: isRequired(authority.id) ? "required" : "optional", state: state,
            isAlarm: isAlarm(authority.id, at: time), entries: list?.entries.count ?? 0,
            number: list.flatMap { $0.number.isEmpty ? nil : HexadecimalText.text($0.number) },
            thisUpdate: list.map { Date(timeIntervalSince1970: TimeInterval($0.thisUpdate)) },
            nextUpdate: list?.nextUpdate.map { Date(timeIntervalSince1970: TimeInterval($0)) },
            signatureAlgorithm: parts.count == 1 ? parts.first?.signatureAlgorithm : nil, parts: parts.count,
            sources: Set(origins.filter { $0.key.issuer == authority.id }.values).sorted())
    }

    private func isRequired(_ id: AuthorityID) -> Bool {
        known.bundles(of: id).contains { bundle in
            if case .required? = settings.bundles[bundle]?.policy { true } else { false }
        }
    }

    private func isAlarm(_ id: AuthorityID, at time: Int64) -> Bool {
        guard let list = combined[id] else { return isRequired(id) }
        return ListSchedule(settings).isAlarm(
            thisUpdate: list.thisUpdate, nextUpdate: list.nextUpdate, now: time)
    }

    /// Sets the gauges. A CA without a list has some only where a list is required.
    func showMetrics() {
        let time = now()
        var values: [String: RevocationMetrics.Values] = [:]
        for authority in known.byID.values where combined[authority.id] != nil || isRequired(authority.id) {
            let list = combined[authority.id]
            values[authority.label] = RevocationMetrics.Values(
                nextUpdate: list?.nextUpdate ?? 0,
                age: list.map { max(0, time.subtractingReportingOverflow($0.thisUpdate).partialValue) } ?? 0,
                entries: list?.entries.count ?? 0, isAlarm: isAlarm(authority.id, at: time))
        }
        metrics.show(values)
    }
}

extension ListStatus.Problem {
    init(_ problem: RevocationProblem) { self.init(reason: problem.reason, message: problem.description) }
}
