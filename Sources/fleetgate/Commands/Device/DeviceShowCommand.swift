import ArgumentParser
import DeviceRegistry
import FleetPolicy
import Foundation

/// `fleetgate device show`.
struct DeviceShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show everything that is known of devices, but their passwords.",
        discussion: """
            EXAMPLES
              fleetgate device show -c gate/fleetgate.yaml hamburg/meter-4711
              fleetgate device show -c gate/fleetgate.yaml meter-4711 --json
            """)

    @OptionGroup var gateway: GatewayOptions

    @Argument(
        help: "The devices: TENANT/DEVICE, or DEVICE of the tenant default.",
        transform: DeviceArgument.init(parsing:))
    var devices: [DeviceArgument]

    @Flag(help: "Print JSON instead of text: an object, or an array of them for several devices.")
    var json = false

    func run() async throws {
        try await gateway.withDevices { registry in
            let now = DeviceTimes.now
            var listings: [DeviceListing] = []
            let failed = try await EachDevice(devices).run { key in
                let listing = DeviceListing(record: try await registry.record(.show(device: key)).record)
                if json {
                    listings.append(listing)
                } else {
                    print(listing.text(now: now) + (devices.count > 1 ? "\n" : ""))
                }
            }
            if json, devices.count > 1 {
                print(try JSONText.encode(listings))
            } else if let listing = listings.first {
                print(try JSONText.encode(listing))
            }
            if failed { throw ExitCode.failure }
        }
    }
}

/// `fleetgate device history`.
struct DeviceHistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show what has been done to a device, by whom and when, newest first.",
        discussion: """
            Devices that were removed have their history still.

            EXAMPLES
              fleetgate device history -c gate/fleetgate.yaml hamburg/meter-4711
            """)

    @OptionGroup var gateway: GatewayOptions

    @Argument(help: "The device.", transform: DeviceArgument.init(parsing:))
    var device: DeviceArgument

    @Option(help: ArgumentHelp("At most so many entries, 1 to 1000.", valueName: "number"))
    var limit = 50

    @Flag(help: "Print a JSON array instead of a table.")
    var json = false

    func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit must be 1 to 1000") }
    }

    func run() async throws {
        try await gateway.withDevices { registry in
            guard
                case .history(let entries) = try await registry.apply(.history(device: device.key, limit: limit)).answer
            else { throw ControlClientError.badAnswer("is not a history") }
            if json {
                print(try JSONText.encode(entries.map(Entry.init)))
            } else {
                let width = entries.map(\.actor.count).max() ?? 0
                for entry in entries {
                    let actor = entry.actor.padding(toLength: width, withPad: " ", startingAt: 0)
                    let detail = entry.detail.isEmpty ? "" : ": \(entry.detail)"
                    print(LogText.visible("\(DeviceTimes.text(entry.at))  \(actor)  \(entry.action)\(detail)"))
                }
                if entries.isEmpty { print("nothing") }
            }
        }
    }

    private struct Entry: Encodable {
        let time: String
        let actor: String
        let action: String
        let detail: String

        init(_ entry: DeviceHistoryEntry) {
            time = DeviceTimes.text(entry.at)
            actor = entry.actor
            action = entry.action
            detail = entry.detail
        }
    }
}
