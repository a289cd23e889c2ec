import Foundation

/// Why a file could not be read. The message is for the operator and names the path.
struct FileProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable code in kebab-case.
    enum Reason: String, Sendable, Hashable {
        case notFound = "file-not-found"
        case notAFile = "not-a-file"
        case notReadable = "not-readable"
        case tooLarge = "too-large"
        case notUTF8 = "not-utf8"
        case tooOpen = "permissions-too-open"
    }

    let reason: Reason
    let description: String
    let hint: String?

    init(_ reason: Reason, _ description: String, hint: String? = nil) {
        self.reason = reason
        self.description = description
        self.hint = hint
    }
}

/// Files that an operator names: read whole, once, and never more of them than makes sense.
enum BoundedFile {
    /// Certificates, keys, bundles of CAs. The CAs of all of the public web are a quarter of this.
    static let pemBytesMax = 1 << 20
    /// A pass phrase or password on one line.
    static let secretBytesMax = 4096

    static func read(_ path: String, bytesMax: Int) throws(FileProblem) -> [UInt8] {
        let attributes = try attributes(path)
        guard attributes.type == .typeRegular else {
            // A pipe would block the reading for ever, a directory cannot be read at all.
            throw FileProblem(.notAFile, "\(path) is not a regular file")
        }
        let url = URL(fileURLWithPath: path)
        guard let handle = try? FileHandle(forReadingFrom: url) else {
            throw FileProblem(.notReadable, "\(path) cannot be read", hint: "check its permissions")
        }
        defer { try? handle.close() }
        let data: Data
        do {
            data = try handle.read(upToCount: bytesMax + 1) ?? Data()
        } catch {
            throw FileProblem(.notReadable, "\(path) cannot be read to its end")
        }
        guard data.count <= bytesMax else {
            throw FileProblem(.tooLarge, "\(path) has more than \(bytesMax) bytes")
        }
        return Array(data)
    }

    static func readText(_ path: String, bytesMax: Int) throws(FileProblem) -> String {
        guard let text = String(validating: try read(path, bytesMax: bytesMax), as: UTF8.self) else {
            throw FileProblem(.notUTF8, "\(path) is not UTF-8 text")
        }
        return text
    }

    /// Reads a private key, pass phrase or password: refused when others than its owner and group may read it, or
    /// others than its owner may change it.
    static func readSecret(_ path: String, bytesMax: Int) throws(FileProblem) -> String {
        let mode = try attributes(path).permissions
        guard mode & 0o027 == 0 else {
            let who = mode & 0o007 != 0 ? "everybody on this machine" : "its group"
            let what = mode & 0o007 != 0 && mode & 0o002 == 0 ? "read" : "change"
            throw FileProblem(
                .tooOpen, "\(path) holds a secret that \(who) may \(what) (mode \(String(mode, radix: 8)))",
                hint: "chmod 600 \(path)")
        }
        return try readText(path, bytesMax: bytesMax)
    }

    /// The first line of a secret file, without its line end.
    static func readSecretLine(_ path: String) throws(FileProblem) -> String {
        let text = try readSecret(path, bytesMax: secretBytesMax)
        return String(text.prefix { !$0.isNewline })
    }

    /// Type and permission bits of what a path leads to, symbolic links followed.
    static func attributes(_ path: String) throws(FileProblem) -> (type: FileAttributeType, permissions: Int) {
        let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        guard FileManager.default.fileExists(atPath: target) else {
            throw FileProblem(.notFound, "\(path) does not exist")
        }
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: target),
            let type = attributes[.type] as? FileAttributeType,
            let permissions = (attributes[.posixPermissions] as? NSNumber)?.intValue
        else { throw FileProblem(.notReadable, "\(path) cannot be looked at", hint: "check its permissions") }
        return (type, permissions & 0o777)
    }
}
