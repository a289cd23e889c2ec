import Testing

@testable import DeviceRegistry

@Suite struct ClientNetworkTests {
    @Test(arguments: [
        ("192.0.2.7:50312", "192.0.2.0/24"), ("192.0.2.7", "192.0.2.0/24"), ("[2001:db8:1:2::7]:1", "2001:db8:1::/48"),
        ("2001:db8:1:2::7", "2001:db8:1::/48"), ("[::ffff:192.0.2.9]:1", "192.0.2.0/24"),
        ("[fe80::1%eth0]:5", "fe80:0:0::/48"), ("255.255.255.255:1", "255.255.255.0/24"),
    ])
    func anAddressLiesInItsNetwork(address: String, network: String) {
        #expect(ClientNetwork(address: address)?.description == network)
    }

    @Test(arguments: [
        "", "unknown", "1.2.3", "1.2.3.4.5:1", "256.1.1.1:1", "[]:1", "[:::]:1", "unix:/run/s", "::g", "1..2.3",
    ])
    func whatIsNoAddressHasNone(address: String) {
        #expect(ClientNetwork(address: address) == nil)
    }

    @Test func aSubscriberIsOneAddressOrOneIPv6Prefix() {
        #expect(ClientNetwork.subscriber(ofHost: "192.0.2.7") != ClientNetwork.subscriber(ofHost: "192.0.2.8"))
        #expect(ClientNetwork.subscriber(ofHost: "2001:db8::1") == ClientNetwork.subscriber(ofHost: "2001:db8::2:1"))
        #expect(ClientNetwork.subscriber(ofHost: "2001:db8::1") != ClientNetwork.subscriber(ofHost: "2001:db8:0:1::1"))
    }

    @Test(arguments: [("192.0.2.7:1", "192.0.2.7"), ("[::1]:1", "::1"), ("::1", "::1"), ("unknown", "unknown")])
    func thePortIsLeftOut(address: String, host: String) {
        #expect(ClientNetwork.host(ofAddress: address) == host)
        #expect(ClientNetwork.host(ofAddress: String(repeating: "1", count: 1000)).count == 64)
    }

    @Test(arguments: [("0A:BC", "abc"), ("00", "0"), ("", ""), ("7f", "7f"), ("000000a", "a")])
    func serialNumbersCompareWithoutZerosAndColons(text: String, normal: String) {
        #expect(SerialNumberText.normal(text) == normal)
    }
}
