import Foundation
import NIOMbedTLS
import Synchronization

/// The CAs that servers of https addresses are verified with: read on first use, and again when their file has changed.
final class HTTPSAnchors: Sendable {
    /// Those of this machine.
    static let system = HTTPSAnchors(files: [
        "/etc/ssl/certs/ca-certificates.crt",  // Debian and what derives from it
        "/etc/pki/tls/certs/ca-bundle.crt",  // Fedora and what derives from it
        "/etc/ssl/ca-bundle.pem",  // SUSE
        "/etc/ssl/cert.pem",  // Alpine, and some others
    ])

    private struct Loaded {
        let file: String
        let changed: Date?
        let context: TLSContext
    }

    /// The first that exists is taken.
    private let files: [String]
    private let loaded = Mutex(Loaded?.none)

    init(files: [String]) {
        self.files = files
    }

    /// For the one event loop that requests are made on. Reads files: not to be called on an event loop.
    ///
    /// - Throws: ``HTTPFetchError`` `no-system-anchors`.
    func context() throws(HTTPFetchError) -> TLSContext {
        guard let file = files.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
            throw HTTPFetchError(
                .noSystemAnchors,
                "there are no certificates of CAs to verify servers with (hint: install "
                    + "ca-certificates, or use an http address: lists and answers are signed)")
        }
        let changed = (try? FileManager.default.attributesOfItem(atPath: file))?[.modificationDate] as? Date
        return try loaded.withLock { loaded throws(HTTPFetchError) in
            if let loaded, loaded.file == file, loaded.changed == changed { return loaded.context }
            let context = try Self.makeContext(file)
            loaded = Loaded(file: file, changed: changed, context: context)
            return context
        }
    }

    private static func makeContext(_ file: String) throws(HTTPFetchError) -> TLSContext {
        do {
            let pem = try BoundedFile.read(file, bytesMax: BoundedFile.pemBytesMax)
            if let context = try? context(pem) { return context }
            // One that mbedTLS cannot take, on some curve of its own, is no reason to do without the others.
            return try context(usable(pem))
        } catch {
            throw HTTPFetchError(.noSystemAnchors, "\(file) cannot be used to verify servers with: \(error)")
        }
    }

    private static func context(_ anchors: [UInt8]) throws -> TLSContext {
        try TLSContext(TLSConfiguration(role: .client, trustAnchorsPEM: anchors, applicationProtocols: ["http/1.1"]))
    }

    private static func usable(_ pem: [UInt8]) -> [UInt8] {
        let end = "-----END CERTIFICATE-----"
        let blocks = String(decoding: pem, as: UTF8.self).components(separatedBy: end).dropLast()
        return blocks.map { Array(($0 + end + "\n").utf8) }.filter { (try? context($0)) != nil }.flatMap(\.self)
    }
}
