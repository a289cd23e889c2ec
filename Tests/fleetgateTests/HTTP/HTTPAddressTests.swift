import NIOCore
import Testing

@testable import fleetgate

@Suite struct HTTPAddressTests {
    @Test(arguments: [
        ("http://crl.example.com/a.crl", "crl.example.com", 80, "/a.crl"),
        ("HTTPS://CRL.Example.com", "crl.example.com", 443, "/"),
        ("http://h:8080?q=1", "h", 8080, "/?q=1"),
        ("http://[::1]:81/x#y", "::1", 81, "/x"),
        ("http://127.0.0.1/a%20b", "127.0.0.1", 80, "/a%20b"),
        ("http://in_house.local/CA%20(1).crl?x=y/z", "in_house.local", 80, "/CA%20(1).crl?x=y/z"),
    ])
    func takesApart(_ text: String, _ host: String, _ port: Int, _ target: String) throws {
        let address = try HTTPAddress(text)
        #expect((address.host, address.port, address.target) == (host, port, target))
    }

    @Test(arguments: [
        "", "http://", "http:///x", "ldap://x/y", "file:///etc/passwd", "x.crl", "//x/y", "http://a b/c",
        "http://a/b\r\nX: y", "http://user@host/", "http://user:pw@host/", "http://h:0/", "http://h:65536/",
        "http://h:/",
        "http://h:-1/", "http://h:8o/", "http://[::1/", "http://[h]/", "http://[127.0.0.1]/", "http://[::1]x/",
        "http://ü.example/", "http://h:1:2/", "http://h\0/", "gopher://h/",
        "http://" + String(repeating: "a", count: 254),
        "http://h/" + String(repeating: "a", count: 2048), "http://a%2eb/", "http://a\\b/",
    ])
    func refuses(_ text: String) {
        #expect(throws: HTTPFetchError.self) { try HTTPAddress(text) }
        do {
            _ = try HTTPAddress(text)
        } catch {
            #expect(error.reason == .badAddress)
        }
    }

    @Test func writesTheHostAsRequestsHaveIt() throws {
        #expect(try HTTPAddress("http://[::1]:80/x").authority == "[::1]")
        #expect(try HTTPAddress("https://h:80/x").authority == "h:80")
        #expect("\(try HTTPAddress("http://H:8/x?y#z"))" == "http://h:8/x?y")
    }

    @Test func followsRedirections() throws {
        let address = try HTTPAddress("https://h:8443/a/b")
        #expect("\(try address.following("/c"))" == "https://h:8443/c")
        #expect("\(try address.following("//other/c"))" == "https://other/c")
        #expect("\(try address.following("http://x/y"))" == "http://x/y")
        for bad in ["c", "../c", "ftp://x/", "", "javascript:1", "http://u@x/"] {
            #expect(throws: HTTPFetchError.self) { try address.following(bad) }
        }
    }

    @Test(arguments: [
        ("8.8.8.8", true), ("127.0.0.1", false), ("10.1.2.3", false), ("172.16.0.1", false), ("172.32.0.1", true),
        ("192.168.1.1", false), ("169.254.169.254", false), ("100.64.0.1", false), ("100.128.0.1", true),
        ("0.0.0.0", false), ("224.0.0.1", false), ("255.255.255.255", false), ("192.0.2.1", false),
        ("192.0.0.8", false), ("198.18.0.1", false), ("198.51.100.1", false), ("203.0.113.9", false), ("::1", false),
        ("::", false), ("fe80::1", false), ("fd00::1", false), ("ff02::1", false), ("2606:4700::1111", true),
        ("::ffff:127.0.0.1", false), ("::ffff:8.8.8.8", true), ("64:ff9b::a00:1", false), ("2002:7f00:1::", false),
        ("2001:db8::1", false), ("2001:0:1::1", false), ("2001:4860:4860::8888", true),
    ])
    func knowsPublicAddresses(_ text: String, _ isPublic: Bool) throws {
        let address = try SocketAddress(ipAddress: text, port: 80)
        #expect(HTTPReach.publicOnly.allows(address) == isPublic)
        #expect(HTTPReach.anywhere.allows(address))
    }
}
