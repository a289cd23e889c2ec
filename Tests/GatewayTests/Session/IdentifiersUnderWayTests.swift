internal import Testing

@testable internal import Gateway

@Suite("IdentifiersUnderWay")
struct IdentifiersUnderWayTests {
    @Test("as many as the bound are under way, and one that comes again counts once")
    func bounded() {
        var identifiers = IdentifiersUnderWay(countMax: 2)
        let began = [1, 2, 2, 1, 3].map { identifiers.began($0) }
        #expect(began == [true, true, true, true, false])
        #expect(identifiers.count == 2)
        #expect(identifiers.isIncomplete)
    }

    @Test("an end makes room; an end of what never began makes none")
    func ended() {
        var identifiers = IdentifiersUnderWay(countMax: 1)
        _ = identifiers.began(1)
        identifiers.ended(2)
        identifiers.ended(0)
        #expect(identifiers.count == 1 && identifiers.contains(1) && !identifiers.contains(2))
        identifiers.ended(1)
        identifiers.ended(1)
        let began = identifiers.began(65_535)
        #expect(began)
        #expect(!identifiers.isIncomplete)
    }

    @Test("a bound of 0 holds nothing")
    func none() {
        var identifiers = IdentifiersUnderWay(countMax: 0)
        let began = identifiers.began(1)
        #expect(!began && identifiers.count == 0)
    }
}
