import Testing

@testable import DeviceRegistry

@Suite struct PasswordHashTests {
    static let salt = "c2FsdHNhbHRzYWx0c2FsdA"
    static let digest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    static let cheap = PasswordHash.Parameters(logarithmOfN: 10, blockSize: 8, parallelism: 1)!

    @Test func fitsItsPasswordAndNoOther() throws {
        let hash = try PasswordHash(of: Array("correct horse".utf8), parameters: Self.cheap)
        let read = try #require(PasswordHash(parsing: hash.text))
        #expect(read == hash)
        #expect(read.matches(Array("correct horse".utf8)))
        for wrong in ["", "Correct horse", "correct horse ", "correct hors", String(repeating: "x", count: 257)] {
            #expect(!read.matches(Array(wrong.utf8)))
        }
        #expect(try PasswordHash(of: Array("correct horse".utf8), parameters: Self.cheap).text != hash.text)
        #expect(!"\(hash)".contains(hash.text.suffix(20)))
        #expect(hash.text.utf8.count <= 256)
    }

    /// The third vector of RFC 7914, section 12.
    @Test func isTheScryptOfItsRFC() throws {
        let hash = try #require(
            PasswordHash(
                parsing: "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
                    + "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw"))
        #expect(hash.matches(Array("pleaseletmein".utf8)))
        #expect(!hash.matches(Array("pleaseletmeout".utf8)))
    }

    @Test(arguments: [0, 257, 70_000])
    func refusesPasswordsThatNobodyHas(_ count: Int) {
        #expect(throws: RegistryError.self) {
            try PasswordHash(of: Array(repeating: 1, count: count), parameters: Self.cheap)
        }
    }

    @Test(arguments: [
        "", "$", "$$$$", "scrypt", "$scrypt$ln=14,r=8,p=1$\(salt)", "$scrypt$ln=14,r=8,p=1$\(salt)$\(digest)$",
        "x$scrypt$ln=14,r=8,p=1$\(salt)$\(digest)", "$scrypt$$\(salt)$\(digest)",
        "$argon2id$ln=14,r=8,p=1$\(salt)$\(digest)",
        "$scrypt$ln=14,r=8$\(salt)$\(digest)", "$scrypt$r=8,ln=14,p=1$\(salt)$\(digest)",
        "$scrypt$ln=14,r=8,p=1,x=1$\(salt)$\(digest)", "$scrypt$ln=+14,r=8,p=1$\(salt)$\(digest)",
        "$scrypt$ln=014,r=8,p=1$\(salt)$\(digest)", "$scrypt$ln= 14,r=8,p=1$\(salt)$\(digest)",
        "$scrypt$ln=9,r=8,p=1$\(salt)$\(digest)", "$scrypt$ln=18,r=1,p=1$\(salt)$\(digest)",
        "$scrypt$ln=63,r=8,p=1$\(salt)$\(digest)", "$scrypt$ln=99999999999999999999,r=8,p=1$\(salt)$\(digest)",
        "$scrypt$ln=17,r=8,p=1$\(salt)$\(digest)", "$scrypt$ln=16,r=16,p=1$\(salt)$\(digest)",
        "$scrypt$ln=14,r=17,p=1$\(salt)$\(digest)", "$scrypt$ln=14,r=0,p=1$\(salt)$\(digest)",
        "$scrypt$ln=14,r=8,p=0$\(salt)$\(digest)", "$scrypt$ln=14,r=8,p=5$\(salt)$\(digest)",
        "$scrypt$ln=14,r=-8,p=1$\(salt)$\(digest)", "$scrypt$ln=14,r=8,p=1$c2FsdA$\(digest)",
        "$scrypt$ln=14,r=8,p=1$$\(digest)", "$scrypt$ln=14,r=8,p=1$\(salt)$", "$scrypt$ln=14,r=8,p=1$\(salt)$AAAA",
        "$scrypt$ln=14,r=8,p=1$\(salt)==$\(digest)", "$scrypt$ln=14,r=8,p=1$\(salt)$\(digest)=",
        "$scrypt$ln=14,r=8,p=1$\(salt)$\(digest.dropLast())B", "$scrypt$ln=14,r=8,p=1$\(salt)!$\(digest)",
        "$scrypt$ln=14,r=8,p=1$\(String(repeating: "A", count: 200))$\(digest)",
        "$scrypt$ln=14,r=8,p=1$\(salt)$\(String(repeating: "A", count: 10_000))",
    ])
    func refuses(_ text: String) {
        #expect(PasswordHash(parsing: text) == nil)
    }

    @Test(arguments: [(10, 1, 1), (15, 16, 1), (17, 4, 1), (10, 16, 4)])
    func acceptsUpToItsBoundsAndCanComputeThem(_ logarithm: Int, _ blockSize: Int, _ parallelism: Int) throws {
        let parameters = try #require(
            PasswordHash.Parameters(logarithmOfN: logarithm, blockSize: blockSize, parallelism: parallelism))
        let hash = try PasswordHash(of: [1, 2, 3], parameters: parameters)
        #expect(hash.matches([1, 2, 3]))
    }
}
