import Testing

@testable import AdminAPI

@Suite struct AdminAddressTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1:9464"), ("127.8.9.10", "127.8.9.10:9464"), ("localhost", "127.0.0.1:9464"),
        ("::1", "[::1]:9464"), ("0:0:0:0:0:0:0:1", "[::1]:9464"),
    ])
    func loopbackAddressesAreTaken(host: String, description: String) throws {
        #expect(try AdminAddress(host: host, port: 9464).description == description)
    }

    @Test(arguments: ["0.0.0.0", "::", "10.0.0.1", "192.168.1.1", "::ffff:127.0.0.1", "fe80::1", "128.0.0.1"])
    func otherAddressesNeedPermission(host: String) throws {
        let error = #expect(throws: AdminServerError.self) { try AdminAddress(host: host, port: 1) }
        #expect(error?.reason == .notLoopback)
        #expect(throws: Never.self) { try AdminAddress(host: host, port: 1, allowsNonLoopback: true) }
    }

    @Test(arguments: ["", "example.org", "127.0.0.1.example.org", "127.1", "[::1]", "127.0.0.1 ", "::1%lo"])
    func whatIsNoAddressIsRefused(host: String) throws {
        let error = #expect(throws: AdminServerError.self) { try AdminAddress(host: host, port: 1) }
        #expect(error?.reason == .notAnAddress)
    }

    @Test(arguments: [-1, 65536, Int.max, Int.min])
    func portsHaveARange(port: Int) {
        let error = #expect(throws: AdminServerError.self) { try AdminAddress(host: "127.0.0.1", port: port) }
        #expect(error?.reason == .invalidPort)
    }
}
