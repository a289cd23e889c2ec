import DeviceRegistry
import FleetPolicy
import Foundation
import NIOMbedTLS

/// A certificate that profiles are tried on, and where it is from.
struct SampleCertificate: Sendable {
    /// A file, or the device that it was last seen with.
    let origin: String
    let leaf: PeerCertificate
    /// What came with it, upwards.
    let issuers: [PeerCertificate]
}

/// Certificates that profiles are tried on.
protocol CertificateSource: Sendable {
    /// Goes through all of them, in a fixed order. What cannot be read is told of and left out.
    func each(
        _ body: (SampleCertificate) throws -> Void, unreadable: (_ origin: String, _ why: String) -> Void
    ) async throws
}

/// The certificates of a folder and the folders in it, in the order of their paths: files that end with `.pem`, `.crt`,
/// `.cer` or `.der`. Of each the first certificate is the device's, and what follows is its chain.
struct CertificateFolder: CertificateSource {
    /// Files of one comparison.
    static let filesMax = 2_000_000
    private static let endings: Set<String> = ["pem", "crt", "cer", "der"]

    let path: String

    func each(
        _ body: (SampleCertificate) throws -> Void, unreadable: (_ origin: String, _ why: String) -> Void
    ) async throws {
        for file in try files() {
            let chain: [PeerCertificate]
            do {
                chain = try PeerCertificate.reading(try BoundedFile.read(file, bytesMax: BoundedFile.pemBytesMax))
            } catch let error as TLSError {
                unreadable(file, error.detail)
                continue
            } catch {
                unreadable(file, "\(error)")
                continue
            }
            guard let leaf = chain.first else { continue }
            try body(SampleCertificate(origin: file, leaf: leaf, issuers: Array(chain.dropFirst())))
        }
    }

    private func files() throws -> [String] {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw CommandFailure("\(path) does not exist")
        }
        guard isFolder.boolValue else { return [path] }
        guard let names = FileManager.default.enumerator(atPath: path) else {
            throw CommandFailure("\(path) cannot be read")
        }
        var files: [String] = []
        for case let name as String in names where Self.endings.contains((name as NSString).pathExtension.lowercased())
        {
            files.append(path.hasSuffix("/") ? path + name : path + "/" + name)
            guard files.count <= Self.filesMax else {
                throw CommandFailure("\(path) has more than \(Self.filesMax) files")
            }
        }
        guard !files.isEmpty else {
            throw CommandFailure("\(path) has no file that ends with .pem, .crt, .cer or .der")
        }
        return files.sorted()
    }
}

/// The certificates that registered devices were last seen with.
struct RegistryCertificates: CertificateSource {
    /// Asks the registry, wherever it is.
    let ask: @Sendable (RegistryCommand) async throws -> RegistryAnswer

    func each(
        _ body: (SampleCertificate) throws -> Void, unreadable: (_ origin: String, _ why: String) -> Void
    ) async throws {
        var query = DeviceQuery(limit: DeviceQuery.limitMax)
        repeat {
            guard case .certificates(let page, let next) = try await ask(.certificates(query: query)) else {
                throw ControlClientError.badAnswer("is not a page of certificates")
            }
            for found in page {
                guard let der = HexadecimalText.bytes(found.der), let leaf = try? PeerCertificate(parsing: der) else {
                    unreadable("\(found.device)", "the certificate on file cannot be read")
                    continue
                }
                try body(SampleCertificate(origin: "\(found.device)", leaf: leaf, issuers: []))
            }
            query.after = next
        } while query.after != nil
    }
}

/// Certificates in one file, or on standard input.
enum CertificateFiles {
    /// - Parameter path: `-` is standard input.
    /// - Throws: ``CommandFailure``.
    static func chain(_ path: String) throws -> [PeerCertificate] {
        do {
            return try PeerCertificate.reading(try bytes(path))
        } catch let error as TLSError {
            throw CommandFailure("\(path == "-" ? "standard input" : path): \(error.detail)")
        }
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        guard path == "-" else { return try BoundedFile.read(path, bytesMax: BoundedFile.pemBytesMax) }
        let data = try FileHandle.standardInput.read(upToCount: BoundedFile.pemBytesMax + 1) ?? Data()
        guard data.count <= BoundedFile.pemBytesMax else {
            throw CommandFailure("standard input has more than \(BoundedFile.pemBytesMax) bytes")
        }
        return Array(data)
    }
}
