internal import Testing

@testable internal import Gateway

@Suite("RefusedExchanges")
struct RefusedExchangesTests {
    @Test("a PUBREL is the gateway's once for each exchange it began")
    func once() {
        var exchanges = RefusedExchanges(countMax: 2)
        let unknown = exchanges.released(7)
        let began = exchanges.began(7)
        let other = exchanges.released(8)
        let released = exchanges.released(7)
        let again = exchanges.released(7)
        #expect([unknown, began, other, released, again] == [false, true, false, true, false])
    }

    @Test("a repeated PUBLISH of an open exchange is the same exchange (MQTT-4.3.3-10)")
    func repeated() {
        var exchanges = RefusedExchanges(countMax: 1)
        let began = exchanges.began(7)
        let repeated = exchanges.began(7)
        let released = exchanges.released(7)
        let again = exchanges.released(7)
        #expect([began, repeated, released, again] == [true, true, true, false])
    }

    @Test("no more than the bound are open, and a release makes room")
    func bounded() {
        var exchanges = RefusedExchanges(countMax: 3)
        let began = (1...5).map { exchanges.began($0) }
        let released = exchanges.released(2)
        let afterwards = exchanges.began(5)
        let full = exchanges.began(6)
        #expect(began == [true, true, true, false, false])
        #expect([released, afterwards, full] == [true, true, false])
    }

    @Test("a bound of 0 opens nothing")
    func none() {
        var exchanges = RefusedExchanges(countMax: 0)
        let began = exchanges.began(1)
        let released = exchanges.released(1)
        #expect([began, released] == [false, false])
    }
}
