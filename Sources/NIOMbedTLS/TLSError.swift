/// Why a TLS connection failed, or was refused. Every failure that a peer can cause is one of these.
public struct TLSError: Error, Sendable, CustomStringConvertible {
    /// Whose doing it was.
    public enum Fault: String, Sendable, Hashable {
        /// The peer sent something wrong, or nothing, or presented a certificate that was refused.
        case peer
        /// This program.
        case local
        /// The network: the connection ended under TLS.
        case transport
        /// The configuration or the machine.
        case `operator`
    }

    public let code: Code
    public let fault: Fault
    /// What happened, for a log. Holds nothing secret, but may quote what the peer sent.
    public let detail: String
    /// The certificate that the peer presented, whether or not it was accepted, as far as it could be read. Nil in a failure
    /// after the handshake: ``TLSHandshakeCompleted`` has said who the peer is.
    public let peerCertificate: PeerCertificate?
    /// mbedTLS's own code, when the failure came from there.
    public let mbedTLSCode: Int32?
    /// The fatal alert that was sent to the peer, when one was and it is known which.
    public let alertSent: TLSAlert?
    /// The fatal alert that the peer sent.
    public let alertReceived: TLSAlert?
    /// The code that the authorization gave with its refusal (``TLSVerdict/denied(code:alert:)``). When the chain could
    /// have been excused (``TLSObjections``) it stands beside the code of what was not.
    public let deniedCode: String?
    /// What the client offered, when a server's handshake failed and it could be read.
    public let clientHello: TLSClientHello?
    /// The certificates presented behind ``peerCertificate``, in their order, as far as they could be read.
    public let presentedIssuers: [PeerCertificate]

    public init(
        code: Code,
        fault: Fault,
        detail: String,
        peerCertificate: PeerCertificate? = nil,
        mbedTLSCode: Int32? = nil,
        alertSent: TLSAlert? = nil,
        alertReceived: TLSAlert? = nil,
        deniedCode: String? = nil,
        clientHello: TLSClientHello? = nil,
        presentedIssuers: [PeerCertificate] = []
    ) {
        self.clientHello = clientHello
        self.presentedIssuers = presentedIssuers
        self.code = code
        self.fault = fault
        self.detail = detail
        self.peerCertificate = peerCertificate
        self.mbedTLSCode = mbedTLSCode
        self.alertSent = alertSent
        self.alertReceived = alertReceived
        self.deniedCode = deniedCode
    }

    /// The same with the client's offer.
    func adding(_ clientHello: TLSClientHello?) -> TLSError {
        TLSError(
            code: self.code, fault: self.fault, detail: self.detail, peerCertificate: self.peerCertificate,
            mbedTLSCode: self.mbedTLSCode, alertSent: self.alertSent, alertReceived: self.alertReceived,
            deniedCode: self.deniedCode, clientHello: clientHello, presentedIssuers: self.presentedIssuers)
    }

    public var description: String {
        var text = "\(self.code.rawValue) (\(self.fault.rawValue)): \(self.detail)"
        if let deniedCode = self.deniedCode {
            text += " [\(deniedCode)]"
        }
        if let alert = self.alertSent {
            text += ", sent alert \(alert)"
        }
        if let alert = self.alertReceived {
            text += ", received alert \(alert)"
        }
        return text
    }
}
