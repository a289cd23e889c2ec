import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct FirmwareTextsTests {
    private func fleet(
        telemetry: String = "t/{device}", filter: String = "c/{device}/#", reply: String? = nil, text: String? = nil
    ) throws -> ScenarioFleet {
        let variables = FleetSpecification.topicVariables.union([.peer])
        func template(_ text: String) throws -> TextTemplate { try TextTemplate(text, allowing: variables) }
        var fleet = try ScenarioFleet(
            of: FleetSpecification(option: "name=m;count=2", defaults: FleetSpecificationTests.defaults), backoff: .none
        )
        fleet.firmware.telemetry = [
            .init(
                topic: try template(telemetry), period: .seconds(1), jitter: 0,
                payload: try text.map { .text(try template($0)) } ?? .bytes(4), qos: 0, retain: false)
        ]
        fleet.firmware.subscriptions = [.init(topic: try template(filter), qos: 1)]
        fleet.firmware.commands = try reply.map {
            .init(
                fleet: "m", topic: try template("c/{peer}"), replyTopic: try template($0), period: .seconds(1),
                payloadBytes: 1, timeout: .seconds(1), qos: 0)
        }
        return fleet
    }

    @Test func areRenderedForEachDevice() throws {
        let fleet = try fleet(
            reply: "r/{client}", text: "{\"n\":1}".replacing("{", with: "{{").replacing("}", with: "}}"))
        let texts = try SimulatedDevice.all(of: [fleet]).map(\.texts)
        #expect(texts.map(\.telemetryTopics) == [["t/m-000001"], ["t/m-000002"]])
        #expect(texts.map(\.filters) == [["c/m-000001/#"], ["c/m-000002/#"]])
        #expect(texts.map(\.replyTopic) == ["r/m-000001", "r/m-000002"])
        #expect(texts[0].telemetryPayload(0) == "{\"n\":1}")
        #expect(texts[0].telemetryPayload(1) == nil)
    }

    @Test func fillerNeedsNoText() throws {
        let device = try SimulatedDevice.all(of: [fleet()])[0]
        #expect(device.texts.telemetryPayloads.isEmpty)
        #expect(device.texts.replyTopic == nil)
        #expect(device.templateValues(peer: "x").text(of: .peer) == "x")
        #expect(device.templateValues().text(of: .device) == "m-000001")
    }

    @Test(arguments: ["t/+", "#", "", "{peer}"])
    func topicsMustBeTopics(topic: String) throws {
        let fleets = try [fleet(telemetry: topic)]
        #expect { try SimulatedDevice.all(of: fleets) } throws: { ($0 as? SimulatorError)?.code == "bad-topic" }
        let replying = try [fleet(reply: topic)]
        #expect { try SimulatedDevice.all(of: replying) } throws: { ($0 as? SimulatorError)?.code == "bad-topic" }
    }

    @Test(arguments: ["", "a/#/b", "a+", "a#", "$share/x"])
    func filtersMustBeFilters(filter: String) throws {
        let fleets = try [fleet(filter: filter)]
        #expect { try SimulatedDevice.all(of: fleets) } throws: { ($0 as? SimulatorError)?.code == "bad-filter" }
    }
}
