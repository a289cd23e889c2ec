import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct FleetSpecificationTests {
    static let defaults = FleetDefaults(
        count: 10, subject: FleetSpecification.defaultSubject, topic: FleetSpecification.defaultTopic,
        clientID: FleetSpecification.defaultClientID,
        publishing: .init(period: .seconds(5), payloadBytes: 64, qos: 1))

    @Test func takesWhatIsNotGivenFromTheDefaults() throws {
        let fleet = try FleetSpecification(option: "name=meters", defaults: Self.defaults)
        #expect(fleet.count == 10)
        #expect(fleet.publishing == Self.defaults.publishing)
        let devices = try SimulatedDevice.all(of: [ScenarioFleet(of: fleet, backoff: .none)])
        #expect(devices.map(\.clientID).prefix(2) == ["meters-000001", "meters-000002"])
        #expect(devices[0].topic == "devices/meters-000001/telemetry")
    }

    @Test func readsEveryKey() throws {
        let option =
            "name=meters; count=3 ;subject=O=Elbe Netz,OU=site-{n%10},CN=meter-{n:06};san=uri:urn:dev:{n};san=dns:m{n}.x;"
            + "client-id={OU}.{device};topic={O}/{client}/up;qos=0;period=250ms;payload-bytes=16"
        let fleet = try ScenarioFleet(of: FleetSpecification(option: option, defaults: Self.defaults), backoff: .none)
        let devices = try SimulatedDevice.all(of: [fleet])
        #expect(devices.count == 3)
        let last = devices[2]
        #expect(last.subject.text == "O=Elbe Netz,OU=site-3,CN=meter-000003")
        #expect(last.alternativeNames.map(\.value) == ["urn:dev:3", "m3.x"])
        #expect(last.clientID == "site-3.meter-000003")
        #expect(last.topic == "Elbe Netz/site-3.meter-000003/up")
        #expect(last.texts.telemetryTopics == [last.topic])
        #expect(fleet.firmware.telemetry[0].period == .milliseconds(250))
        #expect(fleet.firmware.telemetry[0].payload == .bytes(16))
        #expect(fleet.firmware.telemetry[0].qos == 0)
    }

    @Test(
        arguments: [
            ("", "bad-fleet"), ("meters", "bad-fleet"), ("count=3", "bad-fleet"), ("name=a;nmae=b", "bad-fleet"),
            ("name=a;name=b", "bad-fleet"), ("name=a;count=0", "bad-fleet"), ("name=a;count=-1", "bad-fleet"),
            ("name=a;count=many", "bad-fleet"), ("name=a;count=1000001", "bad-fleet"), ("name=a;qos=2", "bad-fleet"),
            ("name=a;payload-bytes=9999999", "bad-fleet"), ("name=", "bad-fleet-name"), ("name=../x", "bad-fleet-name"),
            ("name=-x", "bad-fleet-name"), ("name=a b", "bad-fleet-name"), ("name=ä", "bad-fleet-name"),
            ("name=a;period=fast", "bad-duration"), ("name=a;san=urn:x", "bad-san"), ("name=a;san=dns:", "bad-san"),
            ("name=a;subject=O=x", "bad-subject"), ("name=a;subject=CN=x", "devices-alike"),
            ("name=a;client-id=x", "devices-alike"), ("name=a;topic={x}", "bad-template"),
        ])
    func refuses(option: String, code: String) {
        #expect { try FleetSpecification(option: option, defaults: Self.defaults) } throws: {
            ($0 as? SimulatorError)?.code == code
        }
    }

    @Test func oneDeviceNeedsNoNumber() throws {
        #expect(try FleetSpecification(option: "name=a;count=1;subject=CN=x", defaults: Self.defaults).count == 1)
    }
}

@Suite struct SimulatedDeviceTests {
    private func fleets(_ options: String...) throws -> [ScenarioFleet] {
        try options.map {
            ScenarioFleet(
                of: try FleetSpecification(option: $0, defaults: FleetSpecificationTests.defaults), backoff: .none)
        }
    }

    @Test func refusesTwoFleetsOfOneName() throws {
        let fleets = try fleets("name=a", "name=a")
        #expect { try SimulatedDevice.all(of: fleets) } throws: { ($0 as? SimulatorError)?.code == "fleet-twice" }
    }

    @Test func refusesTwoDevicesWithOneClientID() throws {
        let fleets = try fleets("name=a;subject=CN=x-{n}", "name=b;subject=CN=x-{n+5}")
        #expect { try SimulatedDevice.all(of: fleets) } throws: { ($0 as? SimulatorError)?.code == "client-id-twice" }
    }

    @Test(arguments: ["a/+/b", "#", "a/#"])
    func refusesTopicsOneCannotPublishTo(topic: String) throws {
        let fleets = try fleets("name=a;topic=\(topic)")
        #expect { try SimulatedDevice.all(of: fleets) } throws: { ($0 as? SimulatorError)?.code == "bad-topic" }
    }

    @Test func numbersDevicesThroughAllFleets() throws {
        let devices = try SimulatedDevice.all(of: fleets("name=a;count=2", "name=b;count=2"))
        #expect(devices.map(\.index) == [0, 1, 2, 3])
        #expect(devices.map(\.number) == [1, 2, 1, 2])
    }
}
