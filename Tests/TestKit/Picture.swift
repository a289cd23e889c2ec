internal import Foundation

/// What is on a PNG picture, as far as a test of "something was drawn" needs it. Decoded by Debian's Python, whose
/// standard library has inflate; nil where there is none.
public struct Picture: Decodable, Sendable {
    public let width: Int
    public let height: Int
    /// Different colours.
    public let colors: Int
    /// Of all pixels, those of the most frequent colour: 0 to 1.
    public let mostFrequentShare: Double
    /// The mean of red, green and blue over the whole picture: 0 for black to 255 for white.
    public let brightness: Double

    /// - Throws: if the file is no PNG with 8 bits a channel, is cut short, or does not decode.
    public static func read(_ path: String) async throws -> Picture? {
        guard let python = Program.installed("python3") else { return nil }
        let outcome = try await Program.run(python, ["-c", Self.script, path])
        guard outcome.status == 0 else { throw FleetGateProcess.Failure(description: outcome.everything) }
        return try JSONDecoder().decode(Picture.self, from: Data(outcome.standardOutput.utf8))
    }

    /// Reads a PNG (ISO/IEC 15948): its chunks with their checksums, inflated, the five filters undone.
    private static let script = """
        import collections, json, struct, sys, zlib

        data = open(sys.argv[1], "rb").read()
        assert data[:8] == b"\\x89PNG\\r\\n\\x1a\\n", "not a PNG"
        offset, header, packed, ended = 8, None, b"", False
        while not ended:
            length, kind = struct.unpack(">I4s", data[offset:offset + 8])
            body = data[offset + 8:offset + 8 + length]
            assert len(body) == length, "cut short"
            checksum, = struct.unpack(">I", data[offset + 8 + length:offset + 12 + length])
            assert checksum == zlib.crc32(kind + body), "a chunk's checksum is wrong"
            if kind == b"IHDR": header = struct.unpack(">IIBBBBB", body)
            if kind == b"IDAT": packed += body
            ended = kind == b"IEND"
            offset += 12 + length
        width, height, depth, color, _, _, interlace = header
        assert depth == 8 and color in (2, 6) and interlace == 0, "not 8-bit RGB or RGBA"
        channels = 3 if color == 2 else 4
        raw, stride = zlib.decompress(packed), width * channels
        assert len(raw) == height * (stride + 1), "the wrong number of pixels"

        def unfiltered(kind, row, above):
            if kind == 0: return row
            if kind == 2: return bytearray((a + b) & 255 for a, b in zip(row, above))
            for i in range(stride):
                left = row[i - channels] if i >= channels else 0
                if kind == 1: guess = left
                elif kind == 3: guess = (left + above[i]) // 2
                else:
                    corner = above[i - channels] if i >= channels else 0
                    p = left + above[i] - corner
                    distances = (abs(p - left), abs(p - above[i]), abs(p - corner))
                    guess = (left, above[i], corner)[distances.index(min(distances))]
                row[i] = (row[i] + guess) & 255
            return row

        colors, total, above = collections.Counter(), 0, bytearray(stride)
        for y in range(height):
            start = y * (stride + 1)
            above = unfiltered(raw[start], bytearray(raw[start + 1:start + 1 + stride]), above)
            pixels = zip(above[0::channels], above[1::channels], above[2::channels])
            colors.update(pixels)
        count = width * height
        total = sum(sum(color) * number for color, number in colors.items())
        print(json.dumps({
            "width": width, "height": height, "colors": len(colors),
            "mostFrequentShare": colors.most_common(1)[0][1] / count, "brightness": total / (3 * count)}))
        """
}
