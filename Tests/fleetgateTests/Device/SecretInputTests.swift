import Testing

@testable import fleetgate

@Suite struct SecretInputTests {
    private func file(_ text: String, mode: Int) throws -> (folder: TemporaryFolder, path: String) {
        let folder = try TemporaryFolder()
        let path = try folder.write(text, to: "secret.txt", mode: mode)
        return (folder, path)
    }

    @Test(arguments: [0o600, 0o400, 0o640])
    func theFirstLineIsThePassword(mode: Int) throws {
        let (folder, path) = try file("geheim\nsecond\n", mode: mode)
        #expect(try SecretInput.firstLine(of: path) == "geheim")
        withExtendedLifetime(folder) {}
    }

    @Test(arguments: [0o644, 0o666, 0o604, 0o660, 0o620])
    func ofAnOpenFileItSaysWhatToDo(mode: Int) throws {
        let (folder, path) = try file("geheim\n", mode: mode)
        let failure = #expect(throws: CommandFailure.self) { try SecretInput.firstLine(of: path) }
        #expect(failure?.description.hasSuffix("(hint: chmod 600 \(path))") == true)
        #expect(failure?.description.contains("geheim") == false)
        withExtendedLifetime(folder) {}
    }

    @Test(arguments: ["", "/nonexistent"])
    func whatIsNoFileIsAFailure(path: String) {
        #expect(throws: CommandFailure.self) { try SecretInput.firstLine(of: path) }
    }
}
