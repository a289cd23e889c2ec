import Foundation

/// What `firmware-sim` reported, as far as the tests look at it.
struct SimulatorReport: Decodable {
    struct Devices: Decodable {
        let planned: Int
        let attempted: Int
        let connected: Int
    }

    struct Fleet: Decodable {
        struct Expected: Decodable {
            let outcome: String
            let met: Int
            let violated: [String: Int]
        }

        let name: String
        let devices: Int
        let connected: Int
        let published: Int
        let received: Int
        let expectation: Expected?
        let neverConnected: [String: Int]
    }

    struct Handshakes: Decodable {
        let completed: Int
        let resumed: Int
    }

    struct Failure: Decodable {
        let phase: String
        let reason: String
        let count: Int
        let expected: Int
    }

    struct Commands: Decodable {
        let sent: Int
        let answered: Int
    }

    struct Assertion: Decodable {
        let text: String
        let passed: Bool
        let observed: String

        /// Whether it says something about time, which a test on a machine of any load does not judge.
        var isTimed: Bool { text.range(of: #"\d(us|ms|s|m|h)$"#, options: .regularExpression) != nil }
    }

    struct Verdict: Decodable {
        let passed: Bool
        let isValid: Bool
        let shortcomings: [String]
    }

    let devices: Devices
    let fleets: [Fleet]
    let handshakes: Handshakes
    let commands: Commands
    let failures: [Failure]
    let assertions: [Assertion]
    let verdict: Verdict

    func fleet(_ name: String) -> Fleet? { self.fleets.first { $0.name == name } }

    static func read(_ path: String) throws -> SimulatorReport {
        try JSONDecoder().decode(SimulatorReport.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }
}
