/// The fields of a certificate (RFC 5280, 4.1), read from its DER.
struct ParsedCertificate {
    let version: Int
    let serialNumber: [UInt8]
    let issuer: [[NameAttribute]]
    let issuerDER: [UInt8]
    let notBefore: Int64
    let notAfter: Int64
    let subject: [[NameAttribute]]
    let subjectDER: [UInt8]
    let keyAlgorithm: PeerCertificate.KeyAlgorithm
    let keyBits: Int
    /// Where the SubjectPublicKeyInfo is.
    let publicKeyInfo: Range<Int>
    let signature: SignatureAlgorithm
    let extensions: Extensions

    init(_ der: [UInt8]) throws(DERReader.Failure) {
        var outer = DERReader(der)
        var certificate = outer.inside(try outer.next(DERReader.Tag.sequence, "certificate"))
        try outer.requireEnd(of: "certificate")
        var fields = certificate.inside(try certificate.next(DERReader.Tag.sequence, "certificate to be signed"))

        if let element = try fields.nextIfPresent(0xA0) {
            var explicit = fields.inside(element)
            let number = try explicit.next(DERReader.Tag.integer, "version")
            guard number.content.count == 1, let value = explicit.slice(number.content).first, value <= 2 else {
                throw DERReader.Failure(detail: "unknown version of X.509")
            }
            self.version = Int(value) + 1
        } else {
            self.version = 1
        }

        let serial = try fields.next(DERReader.Tag.integer, "serial number")
        self.serialNumber = Array(fields.slice(serial.content))
        self.signature = try SignatureAlgorithm(
            fields.inside(try fields.next(DERReader.Tag.sequence, "signature algorithm")))

        let issuer = try fields.next(DERReader.Tag.sequence, "issuer")
        self.issuerDER = Array(fields.slice(issuer.whole))
        self.issuer = try DistinguishedName.read(fields.inside(issuer))

        var validity = fields.inside(try fields.next(DERReader.Tag.sequence, "validity"))
        self.notBefore = try Self.time(&validity)
        self.notAfter = try Self.time(&validity)

        let subject = try fields.next(DERReader.Tag.sequence, "subject")
        self.subjectDER = Array(fields.slice(subject.whole))
        self.subject = try DistinguishedName.read(fields.inside(subject))

        let key = try fields.next(DERReader.Tag.sequence, "public key")
        (self.keyAlgorithm, self.keyBits) = try Self.key(fields.inside(key))
        self.publicKeyInfo = key.whole

        _ = try fields.nextIfPresent(0x81)  // issuerUniqueID
        _ = try fields.nextIfPresent(0x82)  // subjectUniqueID
        if let element = try fields.nextIfPresent(0xA3) {
            self.extensions = try Extensions(fields.inside(element))
        } else {
            self.extensions = Extensions()
        }
        try fields.requireEnd(of: "certificate to be signed")
    }

    private static func time(_ reader: inout DERReader) throws(DERReader.Failure) -> Int64 {
        let element = try reader.next()
        guard let seconds = CertificateTime.seconds(tag: element.tag, text: reader.slice(element.content)) else {
            throw DERReader.Failure(detail: "malformed time")
        }
        return seconds
    }

    private static func key(
        _ reader: DERReader
    ) throws(DERReader.Failure) -> (PeerCertificate.KeyAlgorithm, Int) {
        var reader = reader
        var algorithm = reader.inside(try reader.next(DERReader.Tag.sequence, "key algorithm"))
        let oid = try algorithm.objectIdentifier()
        let bits = try reader.next(DERReader.Tag.bitString, "public key bits")
        try reader.requireEnd(of: "public key")
        switch oid {
        case "1.2.840.10045.2.1":
            let curve = try algorithm.objectIdentifier()
            return (.ellipticCurve(oid: curve), Self.curveBits[curve] ?? 0)
        case "1.2.840.113549.1.1.1":
            return (.rsa, try Self.modulusBits(DERReader(Array(reader.slice(bits.content).dropFirst()))))
        default:
            return (.other(oid: oid), 0)
        }
    }

    /// The size of an RSAPublicKey's modulus (RFC 8017, A.1.1).
    private static func modulusBits(_ reader: DERReader) throws(DERReader.Failure) -> Int {
        var reader = reader
        var key = reader.inside(try reader.next(DERReader.Tag.sequence, "RSA public key"))
        let modulus = try key.next(DERReader.Tag.integer, "RSA modulus")
        let significant = key.slice(modulus.content).drop { $0 == 0 }
        guard let first = significant.first else { return 0 }
        return significant.count * 8 - first.leadingZeroBitCount
    }

    private static let curveBits: [String: Int] = [
        "1.2.840.10045.3.1.1": 192, "1.3.132.0.33": 224, "1.2.840.10045.3.1.7": 256, "1.3.132.0.34": 384,
        "1.3.132.0.35": 521, "1.3.132.0.31": 192, "1.3.132.0.32": 224, "1.3.132.0.10": 256,
        "1.3.36.3.3.2.8.1.1.7": 256, "1.3.36.3.3.2.8.1.1.11": 384, "1.3.36.3.3.2.8.1.1.13": 512,
    ]
}

extension ParsedCertificate {
    /// The extensions (RFC 5280, 4.2) that say what a certificate is for. Others are skipped: mbedTLS refuses those
    /// that are critical and unknown.
    struct Extensions {
        private(set) var subjectAlternativeNames: [SubjectAlternativeName] = []
        private(set) var isCA = false
        private(set) var pathLength: Int?
        private(set) var keyUsage: UInt16?
        private(set) var extendedKeyUsages: [String]?
        private(set) var certificatePolicies: [String] = []
        private(set) var subjectKeyIdentifier: [UInt8]?
        private(set) var authorityKeyIdentifier: [UInt8]?
        /// The first critical extension that mbedTLS knows nothing of and refuses a certificate for, in dotted form.
        private(set) var unknownCritical: String?
        /// Whether there are name constraints (RFC 5280, 4.2.1.10), whatever they say.
        private(set) var constrainsNames = false
        /// Where the values of these are, for keeping them as they stand: empty when there are none.
        private(set) var alternativeNamesValue = 0..<0
        private(set) var purposesValue = 0..<0
        private(set) var policiesValue = 0..<0
        private(set) var distributionPointsValue = 0..<0

        /// More than any profile of X.509 defines.
        private static let countMax = 64
        private static let purposesMax = 32
        private static let policiesMax = 32

        init() {}

        init(_ reader: DERReader) throws(DERReader.Failure) {
            var reader = reader
            var list = reader.inside(try reader.next(DERReader.Tag.sequence, "extensions"))
            try reader.requireEnd(of: "extensions")
            var seen: Set<String> = []
            while !list.isAtEnd {
                var one = list.inside(try list.next(DERReader.Tag.sequence, "extension"))
                let oid = try one.objectIdentifier()
                // RFC 5280, 4.2: two of a kind would let two readers see two different certificates.
                guard seen.insert(oid).inserted, seen.count <= Self.countMax else {
                    throw DERReader.Failure(detail: "extension \(oid) twice, or too many extensions")
                }
                var isCritical = false
                if one.nextTag == DERReader.Tag.boolean {
                    isCritical = try one.boolean()
                }
                let value = try one.next(DERReader.Tag.octetString, "extension value")
                try one.requireEnd(of: "extension")
                try self.read(oid, one.inside(value), value.content)
                if isCritical, self.unknownCritical == nil, !self.isKnownCritical(oid) {
                    self.unknownCritical = oid
                }
            }
        }

        /// Whether mbedTLS takes it as critical (x509_crt.c: `x509_get_crt_ext`). Of policies it knows anyPolicy only.
        private func isKnownCritical(_ oid: String) -> Bool {
            switch oid {
            case "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.37", "2.16.840.1.113730.1.1": true
            case "2.5.29.32": self.certificatePolicies.allSatisfy { $0 == "2.5.29.32.0" }
            default: false
            }
        }

        private mutating func read(
            _ oid: String, _ value: DERReader, _ range: Range<Int>
        ) throws(DERReader.Failure) {
            var value = value
            switch oid {
            case "2.5.29.17":
                self.alternativeNamesValue = range
                self.subjectAlternativeNames = try SubjectAlternativeName.readAll(value)
            case "2.5.29.19":
                var constraints = value.inside(try value.next(DERReader.Tag.sequence, "basic constraints"))
                if constraints.nextTag == DERReader.Tag.boolean {
                    self.isCA = try constraints.boolean()
                }
                if let length = try constraints.nextIfPresent(DERReader.Tag.integer) {
                    guard length.content.count == 1, let number = constraints.slice(length.content).first else {
                        throw DERReader.Failure(detail: "path length of \(length.content.count) bytes")
                    }
                    self.pathLength = Int(number)
                }
            case "2.5.29.15":
                self.keyUsage = try Self.keyUsage(&value)
            case "2.5.29.37":
                self.purposesValue = range
                self.extendedKeyUsages = try Self.purposes(&value)
            case "2.5.29.32":
                self.policiesValue = range
                self.certificatePolicies = try Self.policies(&value)
            case "2.5.29.31":
                self.distributionPointsValue = range
            case "2.5.29.30":
                self.constrainsNames = true
            case "2.5.29.14":
                let identifier = try value.next(DERReader.Tag.octetString, "subject key identifier")
                self.subjectKeyIdentifier = Array(value.slice(identifier.content))
            case "2.5.29.35":
                var authority = value.inside(try value.next(DERReader.Tag.sequence, "authority key identifier"))
                if let identifier = try authority.nextIfPresent(0x80) {
                    self.authorityKeyIdentifier = Array(authority.slice(identifier.content))
                }
            default:
                break
            }
        }

        /// The value of an extended key usage (RFC 5280, 4.2.1.12).
        static func purposes(_ value: inout DERReader) throws(DERReader.Failure) -> [String] {
            var purposes = value.inside(try value.next(DERReader.Tag.sequence, "extended key usage"))
            var oids: [String] = []
            while !purposes.isAtEnd {
                guard oids.count < Self.purposesMax else {
                    throw DERReader.Failure(detail: "more than \(Self.purposesMax) extended key usages")
                }
                oids.append(try purposes.objectIdentifier())
            }
            return oids
        }

        /// The value of certificate policies (RFC 5280, 4.2.1.4).
        static func policies(_ value: inout DERReader) throws(DERReader.Failure) -> [String] {
            var policies = value.inside(try value.next(DERReader.Tag.sequence, "certificate policies"))
            var oids: [String] = []
            while !policies.isAtEnd {
                guard oids.count < Self.policiesMax else {
                    throw DERReader.Failure(detail: "more than \(Self.policiesMax) certificate policies")
                }
                // Qualifiers may follow the identifier: texts and addresses for people.
                var policy = policies.inside(try policies.next(DERReader.Tag.sequence, "certificate policy"))
                oids.append(try policy.objectIdentifier())
            }
            return oids
        }

        /// Bit 0 of a BIT STRING is the highest of its first byte; here it becomes the lowest.
        private static func keyUsage(_ value: inout DERReader) throws(DERReader.Failure) -> UInt16 {
            let element = try value.next(DERReader.Tag.bitString, "key usage")
            let octets = value.slice(element.content).dropFirst()
            guard element.content.count >= 1, octets.count <= 2 else {
                throw DERReader.Failure(detail: "key usage of \(element.content.count) bytes")
            }
            var usage: UInt16 = 0
            for (index, octet) in octets.enumerated() {
                for bit in 0..<8 where octet & (0x80 >> UInt8(bit)) != 0 {
                    usage |= 1 << UInt16(index * 8 + bit)
                }
            }
            return usage
        }
    }
}
