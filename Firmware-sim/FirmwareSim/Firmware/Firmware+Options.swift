import NIOCore

extension Firmware {
    /// The firmware of a fleet that has nothing but options: connects and publishes to one topic.
    init(of fleet: FleetSpecification, backoff: BackoffPolicy) {
        let publishing = fleet.publishing
        self.init(
            name: fleet.name, boot: .zero ... .zero, subscriptions: [],
            telemetry: publishing.period > .zero
                ? [
                    Telemetry(
                        topic: fleet.topic, period: publishing.period, jitter: 0,
                        payload: .bytes(publishing.payloadBytes), qos: publishing.qos, retain: false)
                ] : [],
            answersCommands: false, commands: nil, updates: nil, sleep: nil, rotation: nil, backoff: backoff)
    }
}

extension ScenarioFleet {
    /// A fleet that has nothing but options: honest devices of this machine's own class, that must get in.
    init(of fleet: FleetSpecification, backoff: BackoffPolicy) {
        self.init(
            specification: fleet, deviceClass: .native, firmware: Firmware(of: fleet, backoff: backoff),
            credential: .valid, keyType: .p256, conduct: .honest, expectation: .accepted)
    }
}
