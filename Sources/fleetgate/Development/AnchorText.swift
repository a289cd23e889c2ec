import Foundation

/// Which CA the files that `init` writes speak of.
struct AnchorText {
    /// What `tls.client-ca` says, as YAML.
    let file: String
    /// The section `trust`, with an empty line after it; empty: the CA has no revocation list.
    let lists: String
    /// The CA's line in the table of the README.
    let row: String
    /// The CA's folder, as a shell takes it.
    let folder: String
    /// Its certificate.
    let caFile: String

    /// The CA that `init` makes.
    static let ownCA = AnchorText(
        file: "ca/ca.pem", lists: "",
        row: "| `ca/` | the development CA: `ca.pem` (give it to devices) and `ca.key` (keep it) |", folder: "ca",
        caFile: "ca/ca.pem")

    private init(file: String, lists: String, row: String, folder: String, caFile: String) {
        (self.file, self.lists, self.row, self.folder, self.caFile) = (file, lists, row, folder, caFile)
    }

    /// A CA that was there before: its list is required, and its issuing CA known, so that devices may send their own
    /// certificate alone.
    init(_ authority: CAFolder) throws {
        let path = URL(fileURLWithPath: authority.path).standardizedFileURL.path
        let intermediates =
            authority.hasIssuingCA ? "\n  intermediates: [\(try Self.quoted(path + "/issuing.pem"))]" : ""
        self.init(
            file: try Self.quoted(path + "/ca.pem"),
            lists: """
                # Nobody gets in who is on the CA's revocation list, and nobody at all when it is more than the grace out of
                # date: `fleetgate ca crl` makes a new one, which is due each day.
                trust:
                  anchors:
                    default:
                      crl: {policy: required, files: [\(try Self.quoted(path + "/crl.pem"))], grace: 7d}\(intermediates)


                """,
            row: "| `\(path)/` | the CA: `ca.pem` (give it to devices), keys (keep them), `crl.pem` |",
            folder: shellQuoted(path), caFile: shellQuoted(path + "/ca.pem"))
    }

    /// A text as YAML has it in double quotes, which JSON's strings are.
    private static func quoted(_ text: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return String(decoding: try encoder.encode(text), as: UTF8.self)
    }
}
