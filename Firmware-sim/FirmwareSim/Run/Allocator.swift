import CProcess

/// How this process's C library hands out memory.
enum Allocator {
    /// mbedTLS holds two buffers of 16,717 bytes for each connection, of which an idle device has written a page or two.
    /// Mapped on their own, the other pages cost nothing, and everything goes back when the connection ends.
    ///
    /// For the whole process, for good. No effect on a C library other than glibc.
    static func mapLargeBlocks() {
        _ = firmware_sim_map_blocks_from(SimulatorLimits.mappedBlockBytesMin)
    }
}
