/// Whether what became of a device is what had to become of it.
///
/// What can be observed, by conduct:
/// * Raw misdeeds (slow-loris, half-open, garbage) cannot get in. The server ends them (`tls/eof`, `tls/tcp-reset`,
///   `tls/alert-…`), or leaves them be until the time is over (`tls/still-open`), which is to be listed if it is all right.
/// * A topic violation or an oversized packet is refused by PUBACK with a reason, by DISCONNECT, or by the end of the
///   connection. PUBACK with success means that it worked. A server that drops a publish and acknowledges it all the
///   same, as MQTT 3.1.1 servers may, cannot be told from one that forwards it: test these with MQTT 5.0.
/// * A client id theft is refused at CONNACK. Getting in is a violation where the thieves must be refused. Where the
///   server keeps a client id space for each identity, thieves may get in and do no harm: then expect them accepted,
///   and the harm, if there is any, shows at the victims, whose fleet must be accepted too: they are thrown off
///   (`session/disconnect-142`, or `session/eof` under MQTT 3.1.1).
extension DeviceHistory {
    /// - Returns: nil if the expectation is met, otherwise what became of the device: `not-attempted`, `not-decided`,
    ///   `accepted`, `misdeed-acknowledged`, `too-many-reasons`, or a reason as `PHASE/CODE`. A pattern that cannot be
    ///   read matches nothing, so that it never excuses a device.
    func violation(of expectation: Expectation) -> String? {
        switch expectation {
        case .accepted: violationOfAcceptance
        case .refused(let reasons): violationOfRefusal(reasons.compactMap { ReasonPattern($0) })
        }
    }

    /// It must have got in, and the server must not have ended a connection or refused what the firmware does. Attempts
    /// that failed on the way in are made good by a later one that did not; a device that was in once and does not get
    /// back in is not accepted.
    private var violationOfAcceptance: String? {
        guard everAccepted else { return undecided ?? lastFailure.map(\.description) ?? "not-decided" }
        if let ended = mostFrequent(where: { $0.phase == .session }) { return ended }
        // More kinds of failure than are remembered: whether one of them was such is not known.
        guard otherEndings == 0 else { return "too-many-reasons" }
        return isShutOut ? lastFailure?.description : nil
    }

    private func violationOfRefusal(_ patterns: [ReasonPattern]) -> String? {
        if deedFollowsConnack {
            if acknowledgedViolations > 0 { return "misdeed-acknowledged" }
        } else if everAccepted {
            return "accepted"
        }
        if let wrong = mostFrequent(where: { reason in !patterns.contains { $0.matches(reason) } }) { return wrong }
        // More kinds of failure than are remembered: whether all of them were expected is not known.
        guard otherEndings == 0 else { return "too-many-reasons" }
        return endings.isEmpty ? undecided ?? "not-decided" : nil
    }

    private var undecided: String? {
        guard lastFailure == nil else { return nil }
        return attempts == 0 ? "not-attempted" : "not-decided"
    }

    private func mostFrequent(where isMeant: (FailureReason) -> Bool) -> String? {
        endings.filter { isMeant($0.key) }
            .min { ($1.value, $0.key.description) < ($0.value, $1.key.description) }?
            .key.description
    }
}
