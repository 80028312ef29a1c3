import Logback
import Testing

@Suite struct ZoneRuleTests {
    @Test func fixedOffsetsAndPlaces() {
        #expect(ZoneRule("UTC")?.offset(atLocal: 0) == 0)
        #expect(ZoneRule("+09:00")?.offset(atLocal: 0) == 32_400)
        #expect(ZoneRule("-0330")?.offset(atLocal: 0) == -12_600)
        #expect(ZoneRule("Asia/Seoul")?.offset(atLocal: 1_795_256_430) == 32_400)
        #expect(ZoneRule("Mars/Olympus") == nil)
        #expect(ZoneRule("+9") == nil)
    }

    /// New York, 1 November 2026: 01:00 to 02:00 happens twice; the first of the two is meant.
    @Test func aTimeThatHappensTwiceMeansTheFirst() throws {
        let zone = try #require(ZoneRule("America/New_York"))
        let midnight: Int64 = 1_793_491_200
        #expect(zone.offset(atLocal: midnight) == -4 * 3600)
        #expect(zone.offset(atLocal: midnight + 5400) == -4 * 3600)
        #expect(zone.offset(atLocal: midnight + 2 * 3600) == -5 * 3600)
        #expect(zone.offset(atLocal: midnight + 86_400) == -5 * 3600)
    }

    /// New York, 8 March 2026: 02:00 to 03:00 does not happen; the offset before it is used.
    @Test func aTimeThatDoesNotHappenUsesTheOffsetBefore() throws {
        let zone = try #require(ZoneRule("America/New_York"))
        let midnight: Int64 = 1_772_928_000
        #expect(zone.offset(atLocal: midnight + 3600) == -5 * 3600)
        #expect(zone.offset(atLocal: midnight + 9000) == -5 * 3600)
        #expect(zone.offset(atLocal: midnight + 3 * 3600) == -4 * 3600)
    }
}
