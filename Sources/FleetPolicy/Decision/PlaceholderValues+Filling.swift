extension PlaceholderValues {
    fileprivate init(storage: [UInt8]) { self.storage = storage }

    /// Takes the values one after the other, straight into the storage.
    struct Filling {
        private var storage: [UInt8]
        private var filledCount = 0

        /// - Parameter byteCount: how many bytes the values have together.
        init(count: Int, byteCount: Int) {
            storage = []
            storage.reserveCapacity((count + 1) * 2 + byteCount)
            for _ in 0...count {
                storage.append(0)
                storage.append(0)
            }
            setOffset()
        }

        mutating func append(_ value: some Collection<UInt8>) {
            storage.append(contentsOf: value)
            filledCount += 1
            setOffset()
        }

        private mutating func setOffset() {
            // At most `capturesPerProfileMax` + `registryValuesPerProfileMax` + 2 values of `identityBytesMax` bytes:
            // below 65,536.
            storage[filledCount * 2] = UInt8(truncatingIfNeeded: storage.count >> 8)
            storage[filledCount * 2 + 1] = UInt8(truncatingIfNeeded: storage.count)
        }

        func finish() -> PlaceholderValues { PlaceholderValues(storage: storage) }
    }
}
