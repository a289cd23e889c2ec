import ArgumentParser
import FleetPKI
import Foundation

/// Who issues the devices' certificates, and where these are kept.
struct IssuerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The simulator's own PKI: a folder made by 'firmware-sim pki init'.", valueName: "dir"))
    var pki: String?

    @Option(
        help: ArgumentHelp(
            "Instead of --pki: your own CA that issues the devices' certificates, PEM. Its own certificate first, then "
                + "any CAs above it, which devices then send along.", valueName: "file"))
    var issuer: String?

    @Option(
        help: ArgumentHelp(
            "The private key of --issuer, PEM. If it is encrypted, the pass phrase is taken from the environment "
                + "variable FIRMWARE_SIM_ISSUER_PASSPHRASE.", valueName: "file"))
    var issuerKey: String?

    @Option(
        help: ArgumentHelp(
            "Folder to keep keys and certificates in and to take them from. Private keys lie there unencrypted. Default "
                + "with --pki: its folder 'devices'; with --issuer: nothing is kept.", valueName: "dir"))
    var cache: String?

    @Option(help: ArgumentHelp("Days that device certificates are valid for.", valueName: "days"))
    var certificateDays: Int = 30

    /// Longer than any run at least, and ten years at most.
    static let certificateDaysRange = 8...3_650
    /// The environment variable that holds the pass phrase of the issuing CA's key.
    static let passphraseVariable = "FIRMWARE_SIM_ISSUER_PASSPHRASE"

    /// What is wrong with the options as they stand. Files are looked for, not read.
    func mistakes() -> [SimulatorError] {
        var mistakes: [SimulatorError] = []
        switch (pki, issuer, issuerKey) {
        case (nil, nil, nil):
            mistakes.append(
                .options(
                    "credentials-missing",
                    "nobody to issue the devices' certificates: give --pki DIR (made by: firmware-sim pki init DIR), or "
                        + "--issuer and --issuer-key"))
        case (nil, _?, nil):
            mistakes.append(.options("issuer-key-missing", "--issuer needs the CA's private key: --issuer-key FILE"))
        case (nil, nil, _?):
            mistakes.append(.options("issuer-missing", "--issuer-key needs the CA's certificate: --issuer FILE"))
        case (_?, nil, nil), (nil, _?, _?):
            break
        case (_?, _, _):
            mistakes.append(
                .options(
                    "issuer-twice", "--pki and --issuer or --issuer-key name two CAs; leave one or the other out"))
        }
        if !Self.certificateDaysRange.contains(certificateDays) {
            mistakes.append(
                .options(
                    "bad-certificate-days",
                    "--certificate-days \(certificateDays) is not from \(Self.certificateDaysRange.lowerBound) to "
                        + "\(Self.certificateDaysRange.upperBound)"))
        }
        if let pki, !Self.isFolder(pki) {
            mistakes.append(
                .file("pki-missing", "--pki \(pki) is not a folder; make it with: firmware-sim pki init \(pki)"))
        }
        for (option, file) in [("--issuer", issuer), ("--issuer-key", issuerKey)] {
            if let mistake = Self.missing(file, option: option) { mistakes.append(mistake) }
        }
        if let cache, FileManager.default.fileExists(atPath: cache), !Self.isFolder(cache) {
            mistakes.append(.file("cache-unusable", "--cache \(cache) is not a folder"))
        }
        return mistakes
    }

    /// Reads the CA and opens the cache.
    ///
    /// - Throws: ``SimulatorError``: all of ``mistakes()`` at once, or why a file cannot be used.
    func credentialIssuer() throws(SimulatorError) -> CredentialIssuer {
        if let mistake = SimulatorError.all(of: mistakes()) { throw mistake }
        if let pki {
            let opened = try SimulatorPKI.open(folder: pki)
            let cache = try CredentialCache(
                folder: self.cache ?? SimulatorPKI.FileName.devices.path(in: pki), issuer: opened.authority)
            return CredentialIssuer(pki: opened, cache: cache, validityDays: certificateDays)
        }
        let authority = try CredentialIssuer.authority(
            certificateFile: issuer ?? "", keyFile: issuerKey ?? "",
            passphrase: ProcessInfo.processInfo.environment[Self.passphraseVariable])
        let cache = try self.cache.map { folder throws(SimulatorError) in
            try CredentialCache(folder: folder, issuer: authority)
        }
        return CredentialIssuer(authority: authority, cache: cache, validityDays: certificateDays)
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// A mistake if the file is named and not there.
    static func missing(_ file: String?, option: String) -> SimulatorError? {
        guard let file, !FileManager.default.fileExists(atPath: file) else { return nil }
        return .file("file-missing", "\(option) \(file) does not exist")
    }
}

/// Who the devices are in the eyes of the server, and which server they believe.
struct CredentialOptions: ParsableArguments {
    @OptionGroup var devices: IssuerOptions

    @Option(
        help: ArgumentHelp(
            "The CA certificates that the server's certificate must lead to, PEM. Default with --pki: its own root.",
            valueName: "file"))
    var ca: String?

    /// Looks at the options, and for the files they name, without reading any.
    ///
    /// - Throws: ``SimulatorError`` with all mistakes at once.
    func check() throws(SimulatorError) {
        var mistakes = devices.mistakes()
        if ca == nil, devices.pki == nil, devices.issuer != nil {
            mistakes.append(
                .options("ca-missing", "with --issuer, --ca FILE must say which CAs the server's certificate leads to"))
        }
        if let mistake = IssuerOptions.missing(ca, option: "--ca") { mistakes.append(mistake) }
        if let mistake = SimulatorError.all(of: mistakes) { throw mistake }
    }

    /// Opens everything the options name.
    ///
    /// - Throws: ``SimulatorError``: as ``check()``, or why a file cannot be used.
    func supply() throws(SimulatorError) -> CredentialSupply {
        try check()
        let file = ca ?? devices.pki.map { SimulatorPKI.FileName.trustAnchors.path(in: $0) } ?? ""
        let issuer = try devices.credentialIssuer()
        let text = try TextFile.read(file)
        do throws(PKIError) {
            _ = try CertificateInspection.all(pem: text)
        } catch {
            throw .file(error.code.rawValue, "\(file) does not hold the server's CAs: \(error.message)")
        }
        return CredentialSupply(issuer: issuer, serverAuthoritiesPEM: text)
    }
}
