import Foundation

/// One block of a PEM text (RFC 7468): its label and its body, not yet decoded.
struct PEMBlock: Sendable {
    /// The longest text read, in octets: the system's bundle of all public CAs is a quarter of it.
    static let maximumTextLength = 1 << 20

    /// What stands between `-----BEGIN ` and `-----`, for example `CERTIFICATE`.
    let label: String
    let body: String

    /// The octets of the body.
    ///
    /// Any line length is taken: files wrapped at 76, or not at all, are in use.
    func decoded() throws(PKIError) -> [UInt8] {
        let compact = self.body.utf8.filter { !Self.isSpace($0) }
        guard let data = Data(base64Encoded: Data(compact)), !data.isEmpty else {
            throw PKIError(code: .malformedPEM, message: "the body of the PEM block \"\(self.label)\" is not base64")
        }
        return [UInt8](data)
    }

    /// All blocks of a text, in order. Text outside the blocks is skipped, as RFC 7468 section 2 allows.
    ///
    /// - Parameter lengthMax: Octets of the text; above it nothing is looked at.
    static func scan(_ text: String, lengthMax: Int = PEMBlock.maximumTextLength) throws(PKIError) -> [PEMBlock] {
        guard text.utf8.count <= lengthMax else {
            throw PKIError(code: .inputTooLong, message: "the PEM text is longer than \(lengthMax) octets")
        }
        var blocks: [PEMBlock] = []
        var open: (label: Substring, lines: [Substring])?
        // Octet by octet, not character by character: a revocation list may have a million lines.
        for octets in text.utf8.split(omittingEmptySubsequences: true, whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            let line = Substring(octets)
            guard octets.first == UInt8(ascii: "-") else {
                open?.lines.append(line)
                continue
            }
            if let label = self.label(of: line, boundary: "BEGIN") {
                if let open {
                    throw self.unclosed(open.label)
                }
                open = (label, [])
            } else if let label = self.label(of: line, boundary: "END") {
                guard let closing = open else {
                    throw PKIError(code: .malformedPEM, message: "the PEM text has an END line without its BEGIN")
                }
                guard closing.label == label else {
                    throw self.unclosed(closing.label)
                }
                blocks.append(PEMBlock(label: String(label), body: closing.lines.joined(separator: "\n")))
                open = nil
            } else {
                open?.lines.append(line)
            }
        }
        if let open {
            throw self.unclosed(open.label)
        }
        return blocks
    }

    /// The decoded blocks of one label.
    ///
    /// - Throws: ``PKIError`` `no-pem-block` when there is none.
    static func decodeAll(
        _ text: String,
        label: String,
        lengthMax: Int = PEMBlock.maximumTextLength
    ) throws(PKIError) -> [[UInt8]] {
        let blocks = try self.scan(text, lengthMax: lengthMax).filter { $0.label == label }
        guard !blocks.isEmpty else {
            throw PKIError(code: .noPEMBlock, message: "the text has no PEM block \"\(label)\"")
        }
        var decoded: [[UInt8]] = []
        decoded.reserveCapacity(blocks.count)
        for block in blocks {
            decoded.append(try block.decoded())
        }
        return decoded
    }

    /// The PEM text of DER octets, in lines of 64 with a final newline, so that texts can be put one after another.
    static func encode(label: String, der: [UInt8]) -> String {
        let base64 = Data(der).base64EncodedData()
        var text: [UInt8] = []
        text.reserveCapacity(base64.count + base64.count / 64 + 2 * label.utf8.count + 40)
        text.append(contentsOf: "-----BEGIN \(label)-----\n".utf8)
        var start = base64.startIndex
        while start < base64.endIndex {
            let end = base64.index(start, offsetBy: 64, limitedBy: base64.endIndex) ?? base64.endIndex
            text.append(contentsOf: base64[start..<end])
            text.append(UInt8(ascii: "\n"))
            start = end
        }
        text.append(contentsOf: "-----END \(label)-----\n".utf8)
        return String(decoding: text, as: UTF8.self)
    }

    private static func label(of line: Substring, boundary: String) -> Substring? {
        var line = line
        while let last = line.utf8.last, self.isSpace(last) {
            line.removeLast()
        }
        let opening = "-----\(boundary) "
        guard line.hasPrefix(opening), line.hasSuffix("-----"), line.utf8.count >= opening.utf8.count + 5 else {
            return nil
        }
        return line.dropFirst(opening.count).dropLast(5)
    }

    private static func unclosed(_ label: Substring) -> PKIError {
        PKIError(code: .malformedPEM, message: "the PEM block \"\(label.prefix(64))\" has no END line of its own")
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }
}
