import HostileInput

/// What libFuzzer, which brings the main function, calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ length: Int) -> Int32 {
    HostileInput.clientHello(Array(UnsafeBufferPointer(start: bytes, count: length)))
    return 0
}
