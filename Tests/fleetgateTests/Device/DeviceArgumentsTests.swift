import ArgumentParser
import DeviceRegistry
import FleetPolicy
import Testing

@testable import fleetgate

@Suite struct DeviceArgumentsTests {
    private static let now: Int64 = 1_800_000_000

    @Test(arguments: [
        ("0s", 0), ("90s", 90), ("15m", 900), ("6h", 21_600), ("30d", 2_592_000), ("2w", 1_209_600),
    ])
    func agesCountBackFromNow(text: String, age: Int64) {
        #expect(MomentArgument(text, now: Self.now)?.seconds == Self.now - age)
    }

    @Test(arguments: [
        ("2026-01-31", 1_769_817_600), ("2026-01-31T12:00:00Z", 1_769_860_800),
        ("1970-01-01T00:00:01Z", 1),
    ])
    func datesAreInUTC(text: String, seconds: Int64) {
        #expect(MomentArgument(text, now: Self.now)?.seconds == seconds)
    }

    @Test(arguments: [
        "", "s", "d", "-1d", "+ 1d", "1.5h", "1 d", "1y", "1D", "99999999999999999999d", "9223372036854775807w",
        "99999999999s", "yesterday", "2026", "2026-01", "2026-13-01", "31.01.2026", "26-01-31", "2026-01-31T25:00:00Z",
        "2026-01-31T12:00", "١d",
    ])
    func whatIsNoMomentIsRefused(text: String) {
        #expect(MomentArgument(text, now: Self.now) == nil)
    }

    @Test(arguments: [("m1", "default/m1"), ("a/m1", "a/m1"), ("default/m1", "default/m1")])
    func devicesAreNamedWithOrWithoutTheirTenant(text: String, key: String) throws {
        #expect(try DeviceArgument(parsing: text).key.description == key)
    }

    @Test(arguments: ["", "/", "a/", "/m1", "a/b/c", "+", "a/#", "$SYS", "m\n1", String(repeating: "x", count: 129)])
    func whatIsNoDeviceIsRefused(text: String) {
        let error = #expect(throws: ValidationError.self) { try DeviceArgument(parsing: text) }
        #expect(error?.message.contains("none of + # /") == true)
    }

    @Test(arguments: [("a=b", "a", "b"), ("a=", "a", ""), ("a=b=c", "a", "b=c")])
    func assignmentsAreCutAtTheFirstSign(text: String, name: String, value: String) {
        let assignment = AssignmentArgument(argument: text)
        #expect(assignment?.name == name)
        #expect(assignment?.value == value)
    }

    @Test(arguments: ["", "a", "=", "=b"])
    func whatAssignsNothingIsRefused(text: String) {
        #expect(AssignmentArgument(argument: text) == nil)
    }

    @Test func assignmentsSetAndRemove() throws {
        let attributes = try Assignments.attributes(["a=1", "b="].compactMap { AssignmentArgument(argument: $0) })
        #expect(attributes.set == ["a": "1"])
        #expect(attributes.removed == ["b"])
        let overrides = try Assignments.overrides(
            ["messages-per-second=200", "connections="].compactMap { AssignmentArgument(argument: $0) })
        #expect(overrides.set.messagesPerSecond == 200)
        #expect(overrides.removed == ["connections"])
    }

    @Test(arguments: [["A=1"], ["a=1", "a=2"], ["a.b=1"], [String(repeating: "a", count: 33) + "=1"]])
    func attributesWithBadNamesAreRefused(texts: [String]) {
        #expect(throws: (any Error).self) {
            try Assignments.attributes(texts.compactMap { AssignmentArgument(argument: $0) })
        }
    }

    @Test(arguments: [
        ["speed=1"], ["connections=0"], ["connections=101"], ["connections=x"], ["connections=1.0"],
        ["messages-per-second=99999999999999999999"], ["connections=1", "connections=2"], ["connections=-1"],
    ])
    func overridesThatNoProfileCouldHaveAreRefused(texts: [String]) {
        #expect(throws: (any Error).self) {
            try Assignments.overrides(texts.compactMap { AssignmentArgument(argument: $0) })
        }
    }
}
