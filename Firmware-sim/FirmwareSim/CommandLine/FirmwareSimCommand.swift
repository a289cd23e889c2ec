import ArgumentParser

/// The program `firmware-sim`, for its one-line main file.
public enum FirmwareSimProgram {
    /// Reads the process's arguments, does what they say, and ends the process with an exit code if it is not 0.
    public static func run() async {
        await FirmwareSimCommand.main()
    }
}

struct FirmwareSimCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "firmware-sim",
        abstract: "Simulates fleets of devices that speak MQTT over mutual TLS, each with its own certificate.",
        discussion: """
            Every device has its own key and its own certificate, and does the real cryptography. It works against any \
            MQTT server that asks for client certificates.
            """,
        subcommands: [
            RunCommand.self, ScenarioCommand.self, HandshakeCommand.self, CompareCommand.self, MergeCommand.self,
            PKICommand.self, ClassesCommand.self,
        ]
    )
}
