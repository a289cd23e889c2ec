import FleetPKI
import Logging

/// What the log says of responders that do not answer, or do again: one line for each change. What every device would
/// repeat belongs in metrics.
struct OCSPHealthLog: Sendable {
    let logger: Logger

    /// A question has ended.
    func tell(
        _ place: OCSPResponderTable.Place, _ result: Result<OCSPAnswer, OCSPExchange.Failure>, wasBroken: Bool,
        isBroken: Bool
    ) {
        var fields: LogFields = [.address: "\(LogText.visible(place.address))"]
        if case .failure(let failure) = result {
            fields[.reason] = "\(failure.code)"
            fields[.detail] = "\(LogText.visible(failure.detail))"
            logger.log(.debug, "no answer by OCSP", fields: fields)
        }
        guard isBroken != wasBroken else { return }
        if isBroken {
            logger.log(.warning, "the OCSP responder fails and is not asked for a while", fields: fields)
        } else {
            logger.log(.notice, "the OCSP responder answers again", fields: fields)
        }
    }
}
