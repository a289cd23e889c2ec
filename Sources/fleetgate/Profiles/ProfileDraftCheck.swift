import FleetPolicy
import Foundation
import Gateway
import NIOMbedTLS

/// A draft, checked alone and beside the profiles of the folder that it is for, and tried on the certificate that it
/// was made from.
struct ProfileDraftCheck {
    let text: String
    /// What the draft is wrong about, or what it would break.
    let mistakes: [OperatorMistake]
    /// The conditions that do not hold for the certificate; empty when it matches, or there is none.
    let conditionsThatFail: [String]
    /// What the operator should know.
    let remarks: [String]

    /// - Parameter path: Where it is to be written; nil: nowhere, so that it stands alone.
    init(_ draft: ProfileDraft, sample: PeerCertificate?, path: String? = nil) {
        text = draft.text
        let collector = MistakeCollector()
        let node = YAMLDocument.parse(text, file: path ?? "\(draft.name).yaml", reporting: collector)
        let own: ProfileSet
        switch ProfileCompiler.compile([node].compactMap(\.self)) {
        case .failure(let all):
            mistakes = collector.mistakes + all.mistakes
            conditionsThatFail = []
            remarks = []
            return
        case .success(let set): own = set
        }
        var remarks: [String] = []
        var whole = own
        let neighbours = path.map(Self.neighbours) ?? []
        let before = Self.mistakes(ProfileCompiler.compile(neighbours))
        switch ProfileCompiler.compile(neighbours + [node].compactMap(\.self)) {
        case .failure(let all):
            mistakes = collector.mistakes + all.mistakes.filter { !before.contains($0) }
            if !before.isEmpty {
                remarks.append("warning: other profiles of the folder have mistakes: `fleetgate profile lint`")
            }
        case .success(let set):
            mistakes = collector.mistakes
            whole = set
        }
        conditionsThatFail = sample.map { Self.conditionsThatFail(own, $0) } ?? []
        self.remarks = remarks + (sample.map { [Self.remark(whole, $0, draft.name)] } ?? [])
    }

    /// The other profiles of the folder that a file is for. What is no profile (a configuration, say) is left out.
    private static func neighbours(of path: String) -> [SourceNode] {
        let file = URL(fileURLWithPath: path)
        let folder = (path as NSString).deletingLastPathComponent
        // Without the file itself: if it is there, it is not replaced, and that is said when it is written.
        return ProfileSources.read([folder.isEmpty ? "." : folder]).documents.filter {
            $0.text(at: "profile") != nil
                && URL(fileURLWithPath: $0.location.file).standardizedFileURL != file.standardizedFileURL
        }
    }

    private static func mistakes(_ result: Result<ProfileSet, OperatorMistakes>) -> Set<OperatorMistake> {
        switch result {
        case .success: []
        case .failure(let all): Set(all.mistakes)
        }
    }

    /// How the certificate would be presented: while it was valid, by the CA that its issuer's name says.
    private static func circumstances(_ sample: PeerCertificate) -> ConnectionCircumstances {
        AssumedCircumstances(
            anchors: [], listener: ListenerSettings.defaultName,
            now: min(sample.notAfter, Int64(Date().timeIntervalSince1970))
        ).of(SampleCertificate(origin: "", leaf: sample, issuers: []))
    }

    private static func conditionsThatFail(_ set: ProfileSet, _ sample: PeerCertificate) -> [String] {
        PolicySnapshot(profiles: set).explain(CertificateAttributes(sample), circumstances(sample)).trials
            .flatMap(\.reasons)
    }

    private static func remark(_ set: ProfileSet, _ sample: PeerCertificate, _ name: String) -> String {
        switch PolicySnapshot(profiles: set).decide(CertificateAttributes(sample), circumstances(sample)) {
        case .granted(let grant) where grant.profileName == name:
            "the certificate is then the device \(grant.key)"
        case .granted(let grant):
            "warning: the profile \(grant.profileName) comes before it, and makes it the device \(grant.key)"
        case .denied(let denial): "warning: the certificate itself would be refused: \(denial)"
        }
    }
}
