@testable import NIOMbedTLS

/// What a peer sends, given to what reads it: the entry points of the fuzz targets, which a test calls too. Each returns
/// for any bytes; what must hold of anything that was read is a precondition, so that a fuzzer stops there.
public enum HostileInput {
    private static let key = TLSTicketKey(
        identifier: [UInt8](repeating: 0, count: 16), secret: [UInt8](repeating: 0, count: 32), lifetime: 3_600)

    /// A ticket as a client offers it, and as what it holds if somebody had our key.
    ///
    /// - Returns: whether its content could be read.
    @discardableResult
    public static func ticket(_ bytes: [UInt8]) -> Bool {
        var sealed = bytes
        sealed.withUnsafeMutableBytes { ticket in
            let range = self.key.open(ticket, scope: [])
            precondition(range.map { $0.upperBound <= ticket.count } ?? true)
        }
        return bytes.withUnsafeBytes { content in
            guard let ticket = SessionTicket(content) else { return false }
            precondition(ticket.session.upperBound <= content.count && !ticket.links.isEmpty)
            precondition(ticket.leaf.identity.count <= TLSLimits.identityBytesMax && !ticket.leaf.isWhole)
            return true
        }
    }

    /// A certificate as a client presents it; or, behind a byte that no certificate begins with, a kept identity.
    ///
    /// - Returns: whether it could be read.
    @discardableResult
    public static func identity(_ bytes: [UInt8]) -> Bool {
        let read = bytes.first == 1 ? try? PeerCertificate(identity: bytes) : try? PeerCertificate(parsing: bytes)
        _ = UnsupportedCertificate(bytes, depth: 0)
        guard let read else { return false }
        precondition(read.identity.count <= TLSLimits.identityBytesMax)
        guard !read.identity.isEmpty else { return true }
        guard let kept = try? PeerCertificate(identity: read.identity) else {
            preconditionFailure("what was kept cannot be read")
        }
        precondition(kept == read && kept.subject == read.subject && kept.issuer == read.issuer)
        precondition(kept.subjectAlternativeNames == read.subjectAlternativeNames)
        precondition(kept.extendedKeyUsages == read.extendedKeyUsages && kept.keyUsage == read.keyUsage)
        precondition(kept.description == read.description)
        return true
    }

    /// What a client sends first.
    ///
    /// - Returns: whether it is a ClientHello.
    @discardableResult
    public static func clientHello(_ bytes: [UInt8]) -> Bool {
        let hello = TLSClientHello(records: bytes)
        var progress = HandshakeMessage.Progress()
        let half = Array(bytes.prefix(bytes.count / 2))
        if progress.isComplete(half) {
            precondition(TLSClientHello(records: half) == hello)
        } else {
            precondition(progress.isComplete(bytes) || hello == nil)
        }
        if let hello {
            precondition(hello.cipherSuites.count <= TLSClientHello.itemsMax)
            precondition(hello.versions.count <= TLSClientHello.itemsMax)
        }
        return hello != nil
    }
}
