import NIOCore

/// What the devices of one fleet go by. One object for all of them: a device keeps a reference, not a copy.
final class DeviceSettings: Sendable {
    /// From an attempt's real start to its decision. Also how long a misdeed may go on before the server counts as one
    /// that does not defend itself.
    let connectTimeout: TimeAmount
    let firmware: Firmware
    let deviceClass: DeviceClass
    let conduct: ConductSettings
    /// Whole seconds up to 65,535; zero turns it off.
    let keepAlive: TimeAmount
    let leaves: Leaves
    let resumption: Resumption

    init(
        connectTimeout: TimeAmount, firmware: Firmware, deviceClass: DeviceClass = .native,
        conduct: ConductSettings = .honest, keepAlive: TimeAmount, leaves: Leaves = .never,
        resumption: Resumption = .byClass
    ) {
        self.connectTimeout = connectTimeout
        self.firmware = firmware
        self.deviceClass = deviceClass
        self.conduct = conduct
        self.keepAlive = keepAlive
        self.leaves = leaves
        self.resumption = resumption
    }

    /// What the firmware says, otherwise what its class says; nil: always awake.
    var sleep: SleepCycle? { firmware.sleep ?? deviceClass.sleep }

    /// Whether a device of this fleet may ever offer a session, and so has to keep one.
    var keepsSessions: Bool {
        switch resumption {
        case .never: false
        case .byClass: deviceClass.resumes
        case .always: true
        case .share(let share): share > 0
        }
    }
}

/// When a device takes its leave by itself.
enum Leaves: Sendable, Equatable {
    case never
    /// Only handshakes are measured: CONNECT is never sent.
    case afterHandshake
    /// Only connecting is measured.
    case afterConnack
}

/// When a device that has a TLS session of an earlier connection offers to resume it.
enum Resumption: Sendable, Equatable {
    case never
    /// As ``DeviceClass/resumes`` says.
    case byClass
    case always
    /// This share of the attempts, 0 to 1, drawn from the device's own generator.
    case share(Double)
}
