import Foundation
import PostludeTaskStore
import Testing

@Suite("Ids of records")
struct RecordIDTests {
    @Test("Ids are UUIDs of version 7 in lower case, each greater than the previous one")
    func ids() throws {
        let ids = (0..<2000).map { RecordID.make(at: Int64($0) * 1_000_000) }
        #expect(Set(ids).count == 2000)
        #expect(ids.map(\.text) == ids.map(\.text).sorted())
        for id in ids {
            let parsed = try #require(UUID(uuidString: id.text))
            #expect(parsed.uuidString.lowercased() == id.text && RecordID(id.text) == id)
            #expect(Array(id.text)[14] == "7" && "89ab".contains(Array(id.text)[19]))
        }
        #expect(
            RecordID("0199AABB-0000-7000-8000-000000000000")?.text == "0199aabb-0000-7000-8000-000000000000")
        for text in [
            "", "x", "0199aabb-0000-7000-8000-00000000000g", "0199aabb00007000800000000000000000000", "é",
        ] {
            #expect(RecordID(text) == nil)
        }
    }
}
