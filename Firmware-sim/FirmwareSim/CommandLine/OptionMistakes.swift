import ArgumentParser

/// Gathers what is wrong with the options of a command, so that all of it is said at once.
struct OptionMistakes {
    private(set) var found: [SimulatorError] = []

    /// Notes why an option cannot be read.
    mutating func check<Value>(_ read: () throws(SimulatorError) -> Value) {
        do throws(SimulatorError) {
            _ = try read()
        } catch {
            found.append(error)
        }
    }

    mutating func check(_ target: TargetOptions) {
        check(target.endpoint)
        check(target.tlsChoice)
        check(target.mqttVersion)
        check(target.sources)
    }

    mutating func check(_ generator: GeneratorOptions) {
        check(generator.loopCount)
        check(generator.serverProcesses)
        check(generator.knownShard)
    }

    mutating func check(_ credentials: CredentialOptions) {
        do throws(SimulatorError) {
            try credentials.check()
        } catch  where error.fault == .options {
            found.append(error)
        } catch {
            // A file that is not there is no mistake in the options: it is said when the run begins.
        }
    }

    /// - Throws: All of them in one `ValidationError`, if there are any.
    func throwIfAny() throws {
        guard let all = SimulatorError.all(of: found) else { return }
        throw ValidationError(all.description)
    }
}
