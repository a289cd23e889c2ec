import AdminAPI
import DeviceRegistry
import FleetPolicy

/// Does one thing for each of several devices: what is refused for one does not keep the others from it.
struct EachDevice {
    private let keys: [DeviceKey]

    init(_ devices: [DeviceArgument]) {
        keys = devices.map(\.key)
    }

    /// - Returns: Whether it was refused for any; that has been printed.
    /// - Throws: Whatever is not the registry's refusal: the next device would fare no better.
    func run(_ body: (DeviceKey) async throws -> Void) async throws -> Bool {
        var failed = false
        for key in keys {
            do {
                try await body(key)
            } catch let failure as ControlFailure {
                failed = true
                for line in FailureLines.lines(failure, about: key) { Terminal.printError(line) }
            }
        }
        return failed
    }
}

/// A refusal in lines for the operator.
enum FailureLines {
    static func lines(_ failure: ControlFailure, about key: DeviceKey? = nil) -> [String] {
        let name = key.map { "\($0): " } ?? ""
        let mistakes = (failure.mistakes ?? []).map { mistake in
            name + (mistake.key.map { $0.isEmpty ? "" : "\($0) " } ?? "") + mistake.message
        }
        // Most messages begin with the device's name already.
        let message = failure.message.hasPrefix(key.map { "\($0)" } ?? "") ? failure.message : name + failure.message
        return (mistakes.isEmpty ? [message] : mistakes).map(LogText.visible)
    }
}

extension DeviceAuthority {
    /// Does what answers with a device.
    func record(_ command: RegistryCommand) async throws -> (record: DeviceRecord, sessionsEnded: Int?) {
        let outcome = try await apply(command)
        guard case .device(let record) = outcome.answer else {
            throw ControlClientError.badAnswer("is not a device")
        }
        return (record, outcome.sessionsEnded)
    }
}

/// What a change has brought, in a line.
enum ChangeReport {
    /// `hamburg/meter-4711: suspended, 2 sessions ended`
    static func line(_ key: DeviceKey, _ what: String, sessionsEnded: Int?) -> String {
        let sessions =
            switch sessionsEnded {
            case nil, 0: ""
            case 1: ", 1 session ended"
            case let count?: ", \(count) sessions ended"
            }
        return LogText.visible("\(key): \(what)\(sessions)")
    }
}
