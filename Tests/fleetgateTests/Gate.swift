import FleetPKI
import FleetPolicy
import Foundation
import Testing

@testable import fleetgate

/// A folder as `fleetgate init` makes it, to put one thing wrong in.
struct Gate {
    let folder: TemporaryFolder
    let root: CertificateAuthority

    init() throws {
        folder = try TemporaryFolder()
        try DevelopmentSetup(names: [], addresses: [], listen: "127.0.0.1:0", admin: "127.0.0.1:0")
            .write(to: folder.path + "/gate")
        root = try CAFolder(at: folder.path + "/gate/ca").issuingCA(passphrase: nil)
    }

    var configuration: String { folder.path + "/gate/fleetgate.yaml" }

    func load(
        environment: [String: String] = [:], now: Date = Date()
    ) -> (loaded: LoadedConfiguration?, mistakes: [OperatorMistake]) {
        switch LoadedConfiguration.load(configuration, environment: environment, now: now) {
        case .success(let loaded): (loaded, [])
        case .failure(let all): (nil, all.mistakes)
        }
    }

    func edit(_ line: String, to replacement: String) throws {
        let text = try folder.text("gate/fleetgate.yaml")
        #expect(text.contains(line))
        try folder.write(text.replacing(line, with: replacement), to: "gate/fleetgate.yaml")
    }

    func write(_ text: String, to name: String, mode: Int = 0o600) throws {
        try folder.write(text, to: "gate/" + name, mode: mode)
    }
}
