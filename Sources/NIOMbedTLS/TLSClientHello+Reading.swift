extension TLSClientHello {
    private static let clientHello: UInt8 = 1

    /// Extensions that are read (IANA "TLS ExtensionType Values").
    private enum Extension {
        static let serverName: UInt16 = 0
        static let supportedGroups: UInt16 = 10
        static let signatureAlgorithms: UInt16 = 13
        static let applicationProtocols: UInt16 = 16
        static let sessionTicket: UInt16 = 35
        static let preSharedKey: UInt16 = 41
        static let supportedVersions: UInt16 = 43
    }

    /// Reads it out of the records that a client sent first, which may be anything. What the message itself says must be
    /// well formed; an extension that is not counts as absent.
    ///
    /// - Returns: nil when it is not there in full, or is none.
    init?(records: [UInt8]) {
        guard let message = HandshakeMessage.first(in: records), message.type == Self.clientHello else { return nil }
        var reader = FieldReader(message.content)
        guard let version = reader.number(UInt16.self), reader.bytes(32) != nil,
            let session = reader.text(UInt8.self), let suites = reader.text(UInt16.self),
            reader.text(UInt8.self) != nil
        else { return nil }
        var extensions: [UInt16: ArraySlice<UInt8>] = [:]
        // TLS 1.2 allows for none (RFC 5246, 7.4.1.2).
        if let range = reader.text(UInt16.self) {
            var list = FieldReader(message.content[range])
            while extensions.count < Self.itemsMax, let type = list.number(UInt16.self),
                let content = list.text(UInt16.self)
            {
                extensions[type] = message.content[content]
            }
        }
        let versions = extensions[Extension.supportedVersions].flatMap { Self.numbers($0, UInt8.self) }
        self.init(
            versions: versions ?? [version],
            cipherSuites: Self.numbers(in: message.content[suites]),
            namedGroups: extensions[Extension.supportedGroups].flatMap { Self.numbers($0, UInt16.self) } ?? [],
            signatureSchemes: extensions[Extension.signatureAlgorithms].flatMap { Self.numbers($0, UInt16.self) } ?? [],
            serverName: extensions[Extension.serverName].flatMap(Self.serverName),
            applicationProtocols: extensions[Extension.applicationProtocols].map(Self.protocols) ?? [],
            offersResumption: Self.offersResumption(extensions, versions: versions, sessionLength: session.count))
    }

    /// Numbers of two bytes behind their length, all of them or the first ``itemsMax``.
    private static func numbers<Length: FixedWidthInteger & UnsignedInteger>(
        _ content: ArraySlice<UInt8>, _: Length.Type
    ) -> [UInt16]? {
        var reader = FieldReader(content)
        return reader.text(Length.self).map { self.numbers(in: content[$0]) }
    }

    private static func numbers(in bytes: ArraySlice<UInt8>) -> [UInt16] {
        var reader = FieldReader(bytes)
        var numbers: [UInt16] = []
        while numbers.count < Self.itemsMax, let number = reader.number(UInt16.self) {
            numbers.append(number)
        }
        return numbers
    }

    /// RFC 6066, section 3: of the list, the first that is a host name.
    private static func serverName(_ content: ArraySlice<UInt8>) -> String? {
        var reader = FieldReader(content)
        guard let range = reader.text(UInt16.self) else { return nil }
        var list = FieldReader(content[range])
        guard let type = list.number(UInt8.self), type == 0, let name = list.text(UInt16.self) else { return nil }
        return self.printable(content[name])
    }

    /// RFC 7301, section 3.1.
    private static func protocols(_ content: ArraySlice<UInt8>) -> [String] {
        var reader = FieldReader(content)
        guard let range = reader.text(UInt16.self) else { return [] }
        var list = FieldReader(content[range])
        var names: [String] = []
        while names.count < Self.itemsMax, let name = list.text(UInt8.self) {
            if let text = self.printable(content[name]) {
                names.append(text)
            }
        }
        return names
    }

    /// A ticket or pre-shared key; in TLS 1.2 also an identifier, which in TLS 1.3 is only for show (RFC 8446, D.4).
    private static func offersResumption(
        _ extensions: [UInt16: ArraySlice<UInt8>], versions: [UInt16]?, sessionLength: Int
    ) -> Bool {
        if extensions[Extension.preSharedKey] != nil { return true }
        if let ticket = extensions[Extension.sessionTicket], !ticket.isEmpty { return true }
        return versions == nil && sessionLength > 0
    }

    private static func printable(_ bytes: ArraySlice<UInt8>) -> String? {
        guard (1...255).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
