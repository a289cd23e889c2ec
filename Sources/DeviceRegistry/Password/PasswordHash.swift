internal import Crypto
internal import Foundation
internal import _CryptoExtras

/// The salted hash of a password: scrypt (RFC 7914), written as a PHC string,
/// `$scrypt$ln=14,r=8,p=1$<salt>$<hash>` with salt and hash in Base64 without padding.
public struct PasswordHash: Sendable, Hashable {
    /// What a hash costs to compute.
    public struct Parameters: Sendable, Hashable {
        /// The binary logarithm of N, 10 to 17. Memory and time grow with N.
        public let logarithmOfN: Int
        /// The block size, 1 to 16.
        public let blockSize: Int
        /// 1 to 4.
        public let parallelism: Int

        /// N = 2^14, r = 8, p = 1: 16 MiB, and some tens of milliseconds. RFC 7914's figures for logins that somebody
        /// waits for; more would let a reconnecting fleet fill the gateway's memory.
        public static let standard = Parameters(unchecked: 14, 8, 1)

        /// Bytes of memory that one computation may take. A hash from an import must not cost more.
        public static let memoryBytesMax = 67_108_864
        /// N · r · p may be eight times the standard's.
        public static let workMax = 1_048_576

        /// Nil when it is outside of the ranges, or together too much.
        public init?(logarithmOfN: Int, blockSize: Int, parallelism: Int) {
            guard (10...17).contains(logarithmOfN), (1...16).contains(blockSize), (1...4).contains(parallelism) else {
                return nil
            }
            let blocks = (1 << logarithmOfN) * blockSize
            guard blocks * 128 <= Self.memoryBytesMax, blocks * parallelism <= Self.workMax else { return nil }
            self.init(unchecked: logarithmOfN, blockSize, parallelism)
        }

        private init(unchecked logarithmOfN: Int, _ blockSize: Int, _ parallelism: Int) {
            self.logarithmOfN = logarithmOfN
            self.blockSize = blockSize
            self.parallelism = parallelism
        }
    }

    /// Bytes of a password. CONNECT could bring 65,535; nobody types or provisions that.
    public static let passwordBytesMax = 256
    static let saltBytes = 16
    static let hashBytes = 32

    public let parameters: Parameters
    let salt: [UInt8]
    let hash: [UInt8]

    /// Hashes a password with a new random salt. Takes as long as the parameters say.
    ///
    /// - Throws: `invalid-command` when the password is empty or longer than ``passwordBytesMax``.
    public init(of password: [UInt8], parameters: Parameters = .standard) throws(RegistryError) {
        guard Self.isPossible(password) else {
            throw RegistryError(.invalidCommand, "a password has 1 to \(Self.passwordBytesMax) bytes")
        }
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<Self.saltBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        guard let hash = Self.derive(password, salt: salt, parameters, count: Self.hashBytes) else {
            throw RegistryError(.overloaded, "there is not enough memory to hash a password")
        }
        self.parameters = parameters
        self.salt = salt
        self.hash = hash
    }

    /// Reads a PHC string. Nil when it is malformed, of another function, or costs more than is accepted here.
    public init?(parsing text: String) {
        guard text.utf8.count <= 256 else { return nil }
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt",
            let parameters = Self.parameters(parts[2]),
            let salt = Self.base64(parts[3]), (8...64).contains(salt.count),
            let hash = Self.base64(parts[4]), (16...64).contains(hash.count)
        else { return nil }
        self.parameters = parameters
        self.salt = salt
        self.hash = hash
    }

    /// The PHC string, which ``init(parsing:)`` reads.
    public var text: String {
        let parameters =
            "ln=\(parameters.logarithmOfN),r=\(parameters.blockSize),p=\(parameters.parallelism)"
        return "$scrypt$\(parameters)$\(Self.base64(salt))$\(Self.base64(hash))"
    }

    /// Whether it is the hash of this password. Takes as long as the parameters say, whatever the answer; the hashes
    /// are compared in constant time.
    public func matches(_ password: [UInt8]) -> Bool {
        guard Self.isPossible(password),
            let derived = Self.derive(password, salt: salt, parameters, count: hash.count)
        else { return false }
        var difference: UInt8 = 0
        for (left, right) in zip(derived, hash) { difference |= left ^ right }
        return difference == 0 && derived.count == hash.count
    }

    static func isPossible(_ password: [UInt8]) -> Bool { (1...passwordBytesMax).contains(password.count) }

    private static func derive(_ password: [UInt8], salt: [UInt8], _ parameters: Parameters, count: Int) -> [UInt8]? {
        let key = try? KDF.Scrypt.deriveKey(
            from: password, salt: salt, outputByteCount: count, rounds: 1 << parameters.logarithmOfN,
            blockSize: parameters.blockSize, parallelism: parameters.parallelism)
        return unsafe key?.withUnsafeBytes { unsafe Array($0) }
    }

    private static func parameters(_ text: Substring) -> Parameters? {
        let fields = text.split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count == 3, let logarithm = number(fields[0], after: "ln="),
            let blockSize = number(fields[1], after: "r="), let parallelism = number(fields[2], after: "p=")
        else { return nil }
        return Parameters(logarithmOfN: logarithm, blockSize: blockSize, parallelism: parallelism)
    }

    /// A decimal number as PHC strings have them: without sign and leading zeros.
    private static func number(_ text: Substring, after prefix: String) -> Int? {
        guard text.hasPrefix(prefix) else { return nil }
        let digits = text.dropFirst(prefix.count)
        guard (1...4).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.utf8.first != 0x30
        else { return nil }
        return Int(digits)
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("=", with: "")
    }

    private static func base64(_ text: Substring) -> [UInt8]? {
        guard !text.contains("=") else { return nil }
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let bytes = Data(base64Encoded: text + padding).map({ [UInt8]($0) }) else { return nil }
        // Bits that belong to no byte have to be zero, so that one hash has one text.
        return base64(bytes) == text ? bytes : nil
    }
}

extension PasswordHash: CustomStringConvertible {
    /// Without the salt and the hash: a weak password can be guessed from them.
    public var description: String {
        "scrypt, N = 2^\(parameters.logarithmOfN), r = \(parameters.blockSize), p = \(parameters.parallelism)"
    }
}
