import AdminAPI
import NIOCore
import Testing

@testable import fleetgate

@Suite struct ControlLineSplitterTests {
    @Test(
        arguments: [
            ([], []), (["a"], []), (["a\n"], ["a"]), (["a", "b\n"], ["ab"]), (["\n"], [""]), (["a\nb\nc"], ["a", "b"]),
            (["a\n", "\n", "b\n"], ["a", "", "b"]), (["", "a\n", ""], ["a"]),
        ] as [([String], [String])])
    func linesAreCutAtTheirEnds(parts: [String], lines: [String]) throws {
        var splitter = ControlLineSplitter()
        var found: [String] = []
        for part in parts {
            splitter.append(ByteBuffer(string: part))
            while let line = try splitter.next() { found.append(String(buffer: line)) }
        }
        #expect(found == lines)
    }

    @Test(arguments: [(ControlAnswer.lineBytesMax, true), (ControlAnswer.lineBytesMax + 1, false)])
    func aLineHasABound(length: Int, isTaken: Bool) {
        var splitter = ControlLineSplitter()
        splitter.append(ByteBuffer(repeating: 0x78, count: length))
        splitter.append(ByteBuffer(string: "\n"))
        #expect(((try? splitter.next()) != nil) == isTaken)
    }
}
