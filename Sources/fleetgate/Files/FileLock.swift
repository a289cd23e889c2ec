import Foundation

/// An exclusive lock among processes (flock(2)) on a file that is made for it, held for as long as the value lives.
final class FileLock: Sendable {
    enum Failure: Error, Sendable, Hashable {
        /// Somebody else has it.
        case isHeld
        /// The file cannot be opened; the message names it.
        case unusable(String)
    }

    private let descriptor: Int32

    /// - Parameters:
    ///   - path: Made with mode 0600 when it is missing. It stays when the lock is given up: to remove it would be a race.
    ///   - waiting: How long to wait for it; the thread sleeps meanwhile. Nil: until it comes.
    init(_ path: String, waiting: Duration? = .zero) throws(Failure) {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw .unusable("\(path) cannot be opened: \(unsafe String(cString: strerror(errno)))")
        }
        guard let waiting else {
            while flock(descriptor, LOCK_EX) != 0 {
                guard errno == EINTR else {
                    let failure = Failure.unusable(
                        "\(path) cannot be locked: \(unsafe String(cString: strerror(errno)))")
                    throw failure
                }
            }
            return
        }
        let end = ContinuousClock.now + waiting
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard ContinuousClock.now < end else {
                throw .isHeld
            }
            usleep(Self.microsecondsBetweenTries)
        }
    }

    private static let microsecondsBetweenTries: UInt32 = 20_000

    /// Runs after a failure of `init` too, which has set everything by then.
    deinit {
        guard descriptor >= 0 else { return }
        // Said in so many words: a child that was forked and has not begun its program yet has the descriptor too, and the
        // lock would last until it does.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
