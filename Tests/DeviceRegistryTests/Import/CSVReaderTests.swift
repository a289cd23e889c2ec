import Testing

@testable import DeviceRegistry

@Suite struct CSVReaderTests {
    private func rows(_ text: String) -> [CSVReader.Row] {
        var reader = CSVReader(Array(text.utf8))
        var rows: [CSVReader.Row] = []
        while let row = reader.next() { rows.append(row) }
        return rows
    }

    @Test(
        arguments: [
            ("", []), ("\n\r\n\n", []), ("a", [["a"]]), ("a,b", [["a", "b"]]), ("a,b\n", [["a", "b"]]),
            ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]), ("a,\n,b\n,", [["a", ""], ["", "b"], ["", ""]]),
            ("\"a\",\"\"", [["a", ""]]), ("\"a,b\"", [["a,b"]]), ("\"a\"\"b\"", [["a\"b"]]), ("\"\"\"\"", [["\""]]),
            ("\"a\nb\",c", [["a\nb", "c"]]), ("\"a\r\nb\"\r\nc", [["a\r\nb"], ["c"]]), ("ü,€", [["ü", "€"]]),
            (" a , b ", [[" a ", " b "]]), ("a\n\nb", [["a"], ["b"]]),
        ] as [(String, [[String]])])
    func reads(_ text: String, _ expected: [[String]]) {
        let rows = rows(text)
        #expect(rows.map(\.fields) == expected)
        #expect(rows.allSatisfy { $0.mistake == nil })
    }

    @Test(arguments: [
        "a\"b", "a\"\"", "\"a\"b", "\"a\" ", "\"a", "\"", "\"a\"\"", "x,\"a", "a\rb", "\r,", "a\u{0}b", "\"a\u{0}\"",
        " \"a\"", String(repeating: "x", count: 4_097), "\"\(String(repeating: "x", count: 4_097))\"",
        String(repeating: ",", count: 512),
    ])
    func refusesARowAndGoesOn(_ text: String) {
        let rows = rows("\(text)\nnext")
        #expect(rows.first?.mistake != nil && rows.first?.line == 1)
        // What does not end has no next.
        if rows.count > 1 { #expect(rows.last?.fields == ["next"] && rows.last?.line == 2) }
    }

    @Test func countsTheLinesOfTheFile() {
        #expect(rows("a\n\n\"b\n\nc\",d\r\ne\nf\"\ng").map(\.line) == [1, 3, 6, 7, 8])
    }

    @Test func anyBytesEnd() {
        let alphabet = Array("a,\"\r\n\u{0}".utf8)
        var state: UInt64 = 1
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            var reader = CSVReader(bytes)
            var count = 0
            while reader.next() != nil { count += 1 }
            #expect(count <= bytes.count && reader.position == bytes.count)
        }
    }
}
