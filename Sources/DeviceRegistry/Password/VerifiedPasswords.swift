internal import Crypto
internal import Foundation

/// Pairs of a hash and a password that were found to belong together. Holds neither: only an HMAC over both, with a
/// random key of this process. When it is full, the oldest goes.
struct VerifiedPasswords {
    private let key = SymmetricKey(size: .bits256)
    private let countMax: Int
    private var known: Set<[UInt8]> = []
    /// In the order they came, as a ring.
    private var order: [[UInt8]] = []
    private var oldest = 0

    init(countMax: Int) {
        self.countMax = countMax
    }

    var count: Int { known.count }

    func contains(password: [UInt8], hash: String) -> Bool { known.contains(code(password, hash)) }

    mutating func insert(password: [UInt8], hash: String) {
        let code = code(password, hash)
        guard known.insert(code).inserted else { return }
        guard order.count == countMax else {
            order.append(code)
            return
        }
        known.remove(order[oldest])
        order[oldest] = code
        oldest = oldest + 1 == countMax ? 0 : oldest + 1
    }

    private func code(_ password: [UInt8], _ hash: String) -> [UInt8] {
        var authentication = HMAC<SHA256>(key: key)
        // The length before it keeps the end of the hash and the beginning of the password apart.
        var length = UInt64(hash.utf8.count)
        var head: [UInt8] = []
        for _ in 0..<8 {
            head.append(UInt8(truncatingIfNeeded: length))
            length >>= 8
        }
        authentication.update(data: head)
        authentication.update(data: Array(hash.utf8))
        authentication.update(data: password)
        return Array(authentication.finalize())
    }
}
