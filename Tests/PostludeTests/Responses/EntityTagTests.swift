import Testing

@testable import Postlude

@Suite("EntityTag")
struct EntityTagTests {
    @Test("a tag has quotes, and may be weak")
    func one() {
        #expect(EntityTag("\"a\"")?.opaque == "\"a\"")
        #expect(EntityTag("\"a\"")?.isWeak == false)
        #expect(EntityTag(" W/\"a\" ")?.isWeak == true)
        #expect(EntityTag("\"\"")?.opaque == "\"\"")
    }

    @Test(
        "other text is not a tag", arguments: ["", "a", "\"a", "a\"", "w/\"a\"", "\"a\" \"b\"", "*", "W/a"])
    func none(text: String) {
        #expect(EntityTag(text) == nil)
    }

    @Test("a list is searched weakly and strongly")
    func list() {
        let list = EntityTag.List("\"a,b\", W/\"c\" ,\"d\"")
        #expect(list.matchesWeakly(EntityTag("\"a,b\"")) && list.matchesStrongly(EntityTag("\"a,b\"")))
        #expect(list.matchesWeakly(EntityTag("\"c\"")) && !list.matchesStrongly(EntityTag("\"c\"")))
        #expect(list.matchesWeakly(EntityTag("W/\"d\"")) && !list.matchesStrongly(EntityTag("W/\"d\"")))
        #expect(!list.matchesWeakly(EntityTag("\"b\"")) && !list.matchesWeakly(nil))
    }

    @Test("a star matches every tag, and a mistake ends a list")
    func special() {
        #expect(EntityTag.List(" * ").matchesWeakly(EntityTag("\"x\"")))
        #expect(EntityTag.List("*").matchesStrongly(nil))
        #expect(!EntityTag.List("\"a").matchesWeakly(EntityTag("\"a\"")))
        #expect(!EntityTag.List("").matchesWeakly(EntityTag("\"a\"")))
        #expect(EntityTag.List("\"a\", b, \"c\"").matchesWeakly(EntityTag("\"a\"")))
        #expect(!EntityTag.List("\"a\", b, \"c\"").matchesWeakly(EntityTag("\"c\"")))
    }
}
