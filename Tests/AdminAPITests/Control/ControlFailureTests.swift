import Foundation
import Testing

@testable import AdminAPI

@Suite struct ControlFailureTests {
    @Test(arguments: [(0, nil), (1, nil), (1000, nil), (1001, 1001), (5000, 5000)] as [(Int, Int?)])
    func mistakesBeyondTheBoundAreCounted(count: Int, listedAsCount: Int?) {
        let mistakes = (0..<count).map { ControlFailure.Mistake(line: $0, message: "x") }
        let failure = ControlFailure(code: "c", message: "m", mistakes: mistakes)
        #expect(failure.mistakes?.count == min(count, ControlFailure.mistakesMax))
        #expect(failure.mistakeCount == listedAsCount)
    }

    @Test func itIsTheSameBehindTheSocket() throws {
        let failure = ControlFailure(
            code: "import-refused", message: "2 rows are wrong",
            mistakes: [.init(file: "a.csv", line: 1, column: 2, key: "k", code: "c", message: "m", hint: "h")],
            mistakeCount: 2)
        let back = try JSONDecoder().decode(ControlFailure.self, from: try JSONEncoder().encode(failure))
        #expect(back == failure)
    }
}
