import CProcess

/// How this process's C library hands out memory.
enum Allocator {
    /// mbedTLS takes two buffers of 16,717 bytes for each connection that has something under way, of which a handshake
    /// writes a page or two. Mapped on their own, the other pages cost nothing, and a storm's go back when it is over.
    ///
    /// For the whole process, for good. No effect on a C library other than glibc.
    static func mapLargeBlocks() {
        _ = firmware_sim_map_blocks_from(SimulatorLimits.mappedBlockBytesMin)
    }
}
