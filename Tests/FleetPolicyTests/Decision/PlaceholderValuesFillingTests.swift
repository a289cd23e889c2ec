import Testing

@testable import FleetPolicy

@Suite struct PlaceholderValuesFillingTests {
    /// Filled one by one, the values are those that are made at once.
    @Test func isTheSameAsMadeAtOnce() {
        for list in [["d", "t"], ["d", "t", "", String(repeating: "x", count: 300)], [], [""]] {
            let values = list.map { Array($0.utf8) }
            var filling = PlaceholderValues.Filling(count: values.count, byteCount: 3)
            for value in values { filling.append(value) }
            #expect(filling.finish() == PlaceholderValues(values), "\(list)")
        }
    }
}
