internal import CMbedTLS

// What C calls back, from inside the calls of ``TLSConnection`` and of ``TLSContext``: unwrap and forward. Nothing here
// throws, logs, or touches the pipeline.

func receiveCiphertext(_ io: UnsafeMutableRawPointer?, _ bytes: UnsafeMutablePointer<UInt8>?, _ capacity: Int) -> Int {
    guard let io, let bytes else { return 0 }
    return Unmanaged<CiphertextBuffers>.fromOpaque(io).takeUnretainedValue()
        .copyInbound(into: UnsafeMutableRawBufferPointer(start: bytes, count: capacity))
}

func sendCiphertext(_ io: UnsafeMutableRawPointer?, _ bytes: UnsafePointer<UInt8>?, _ length: Int) -> Int32 {
    guard let io, let bytes else { return -1 }
    let isTaken = Unmanaged<CiphertextBuffers>.fromOpaque(io).takeUnretainedValue()
        .appendOutbound(UnsafeRawBufferPointer(start: bytes, count: length))
    return isTaken ? 0 : -1
}

func verifyCertificate(
    _ verification: UnsafeMutableRawPointer?, _ der: UnsafePointer<UInt8>?, _ length: Int, _ depth: Int32,
    _ version: Int32, _ reasons: UInt32
) -> UInt32 {
    guard let verification, let der else {
        // Without a DER there is no certificate: mbedTLS has passed over all that were sent.
        return reasons | UInt32(FLEETGATE_CERTIFICATE_UNACCEPTABLE_ALGORITHM)
    }
    return Unmanaged<PeerVerification>.fromOpaque(verification).takeUnretainedValue()
        .judge(
            der: UnsafeRawBufferPointer(start: der, count: length), depth: Int(depth),
            version: TLSVersion(wireValue: version), reasons: reasons)
}

func writeTicket(
    _ verification: UnsafeMutableRawPointer?, _ session: UnsafePointer<UInt8>?, _ sessionLength: Int,
    _ isResumed: Int32, _ version: Int32, _ ticket: UnsafeMutablePointer<UInt8>?, _ capacity: Int,
    _ lifetime: UnsafeMutablePointer<UInt32>?
) -> Int {
    guard let verification, let session, let ticket, let lifetime else { return 0 }
    let written = Unmanaged<PeerVerification>.fromOpaque(verification).takeUnretainedValue()
        .writeTicket(
            UnsafeRawBufferPointer(start: session, count: sessionLength), isResumed: isResumed != 0,
            version: TLSVersion(wireValue: version),
            into: UnsafeMutableRawBufferPointer(start: ticket, count: capacity))
    guard let written else { return 0 }
    lifetime.pointee = written.lifetime
    return written.length
}

func readTicket(
    _ verification: UnsafeMutableRawPointer?, _ ticket: UnsafeMutablePointer<UInt8>?, _ length: Int, _ version: Int32,
    _ sessionOffset: UnsafeMutablePointer<Int>?, _ sessionLength: UnsafeMutablePointer<Int>?
) -> Int32 {
    guard let verification, let ticket, let sessionOffset, let sessionLength,
        let session = Unmanaged<PeerVerification>.fromOpaque(verification).takeUnretainedValue()
            .readTicket(
                UnsafeMutableRawBufferPointer(start: ticket, count: length), version: TLSVersion(wireValue: version))
    else { return -1 }
    sessionOffset.pointee = session.lowerBound
    sessionLength.pointee = session.count
    return 0
}

func noteServerName(
    _ verification: UnsafeMutableRawPointer?, _ name: UnsafePointer<UInt8>?, _ length: Int
) {
    guard let verification, let name else { return }
    Unmanaged<PeerVerification>.fromOpaque(verification).takeUnretainedValue()
        .noteServerName(UnsafeRawBufferPointer(start: name, count: length))
}
