import Foundation
import Glibc
import NIOCore

/// The file of the control socket: how it comes into its place, and how it goes.
///
/// Who may open the file may command the gateway, so its mode has to be 0600 before anybody else can reach it. bind(2)
/// makes it by the umask, which belongs to the whole process. Hence it is bound in a new folder that only its owner can
/// enter, gets its mode there, and is then renamed into its place.
struct ControlSocketFile: Sendable {
    /// Bytes of `sun_path` without the NUL at its end (unix(7)).
    static let pathBytesMax = 107

    let path: String
    /// Where the socket is bound at first.
    let bindingPath: String
    private let bindingFolder: String
    private let folder: String

    /// Makes the folder to bind in.
    ///
    /// - Throws: ``ControlSocketError``, also when somebody listens on the socket that is there.
    init(_ path: String) throws(ControlSocketError) {
        self.path = path
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        folder = slash.map { $0 == path.utf8.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let suffix = UInt32.random(in: .min ... .max)
        bindingFolder = (folder == "/" ? "" : folder) + "/." + String(suffix, radix: 36)
        bindingPath = bindingFolder + "/s"
        let bytes = max(path.utf8.count, bindingPath.utf8.count)
        guard bytes <= Self.pathBytesMax, !path.utf8.contains(0) else {
            throw ControlSocketError(
                .pathTooLong,
                "the path of the admin socket, \(path), is \(bytes - Self.pathBytesMax) bytes too long for a socket")
        }
        let lock = try FolderLock(folder)
        defer { lock.release() }
        try Self.removeStale(path)
        guard unsafe mkdir(bindingFolder, 0o700) == 0 else { throw Self.failure("make \(bindingFolder)", errno) }
    }

    /// Which file it is, whatever its name.
    struct Identity: Sendable, Hashable {
        fileprivate let device: Int
        fileprivate let inode: Int
    }

    /// Gives the bound socket its mode and its place.
    ///
    /// - Returns: What ``remove(_:)`` knows it by.
    func place() throws(ControlSocketError) -> Identity {
        let lock = try FolderLock(folder)
        defer { lock.release() }
        // Once more: another gateway may have come in between.
        try Self.removeStale(path)
        guard unsafe chmod(bindingPath, 0o600) == 0 else { throw Self.failure("set the mode of \(path)", errno) }
        guard let identity = Self.identity(bindingPath), unsafe rename(bindingPath, path) == 0 else {
            throw Self.failure("make \(path)", errno)
        }
        _ = unsafe rmdir(bindingFolder)
        return identity
    }

    /// Removes what is left where the socket could not be put into its place.
    func discard() {
        _ = unsafe unlink(bindingPath)
        _ = unsafe rmdir(bindingFolder)
    }

    /// Removes the socket, if it is still the one that was put there: another gateway may have put its own there.
    func remove(_ identity: Identity) {
        guard let lock = try? FolderLock(folder) else { return }
        defer { lock.release() }
        guard Self.identity(path) == identity else { return }
        _ = unsafe unlink(path)
    }

    private static func identity(_ path: String) -> Identity? {
        // Not `stat`: which C module it is of depends on what else was imported.
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let device = attributes[.systemNumber] as? Int, let inode = attributes[.systemFileNumber] as? Int
        else { return nil }
        return Identity(device: device, inode: inode)
    }

    private static func removeStale(_ path: String) throws(ControlSocketError) {
        let attributes: [FileAttributeKey: Any]
        do {
            attributes = try FileManager.default.attributesOfItem(atPath: path)
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile || error.code == .fileNoSuchFile {
            return
        } catch {
            throw ControlSocketError(.cannotListen, "cannot look at \(path): \(error.localizedDescription)")
        }
        guard attributes[.type] as? FileAttributeType == .typeSocket else {
            throw ControlSocketError(.notASocket, "\(path) is there and is not a socket; it was not touched")
        }
        switch connectionError(path) {
        case ECONNREFUSED: break
        case ENOENT: return
        case 0, EAGAIN:
            throw ControlSocketError(.inUse, "a program listens on \(path) already: another gateway?")
        case let number: throw failure("find out whether a program listens on \(path)", number)
        }
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw failure("remove the old \(path)", errno) }
    }

    /// What the system says to an attempt to connect; 0: somebody listens.
    private static func connectionError(_ path: String) -> CInt {
        guard let address = try? SocketAddress(unixDomainSocketPath: path) else { return ENAMETOOLONG }
        // Not blocking: a queue that is full would have this wait, and says enough.
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | nonBlocking, 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        return unsafe address.withSockAddr { pointer, size in
            unsafe connect(descriptor, pointer, socklen_t(size)) == 0 ? 0 : errno
        }
    }

    private static let nonBlocking = CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)

    fileprivate static func failure(_ what: String, _ number: CInt) -> ControlSocketError {
        ControlSocketError(.cannotListen, "cannot \(what): \(unsafe String(cString: strerror(number)))")
    }
}

/// A lock that gateways take on the folder of the socket (flock(2)), so that of two that start at once only one takes a
/// dead socket for its own. It goes with the process.
private struct FolderLock {
    private let descriptor: CInt

    init(_ folder: String) throws(ControlSocketError) {
        descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ControlSocketFile.failure("open the folder \(folder)", errno) }
        guard flock(descriptor, LOCK_EX) == 0 else {
            let number = errno
            close(descriptor)
            throw ControlSocketFile.failure("lock the folder \(folder)", number)
        }
    }

    func release() {
        close(descriptor)
    }
}
