/// `--resume` of `firmware-sim handshake`: `never`, `always`, or a share of handshakes from 0 to 1.
enum ResumeOption: Sendable, Equatable {
    case never
    case always
    case share(Double)

    /// - Throws: ``SimulatorError`` if the text is none of these.
    init(option text: String) throws(SimulatorError) {
        switch text {
        case "never": self = .never
        case "always": self = .always
        default:
            guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }),
                let share = Double(text), (0...1).contains(share)
            else {
                throw .options("bad-resume", "--resume '\(text)' is not never, always or a share such as 0.8")
            }
            self = share == 0 ? .never : share == 1 ? .always : .share(share)
        }
    }

    /// Of handshakes, those that are to be resumed: 0 to 1.
    var share: Double {
        switch self {
        case .never: 0
        case .always: 1
        case .share(let share): share
        }
    }
}

extension ResumeOption {
    /// For a run against a server.
    var resumption: Resumption {
        switch self {
        case .never: .never
        case .always: .always
        case .share(let share): .share(share)
        }
    }
}
