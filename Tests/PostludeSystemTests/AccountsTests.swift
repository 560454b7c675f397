import Glibc
import PostludeSystem
import Testing

@Suite("Users and groups")
struct AccountsTests {
    @Test("Are found by name and by number")
    func found() {
        #expect(userID("root") == 0)
        #expect(userID("4711") == 4711)
        #expect(groupID("root") == 0)
        #expect(groupID("4711") == 4711)
        #expect(userName(0) == "root")
        #expect(primaryGroup(of: "root") == 0)
    }

    @Test("Are nil if the system has none of that name or number")
    func unknown() {
        #expect(userID("no such user") == nil)
        #expect(userID("-1") == nil)
        #expect(userID("") == nil)
        #expect(groupID("no such group") == nil)
        #expect(userName(4_000_000_000) == nil)
        #expect(primaryGroup(of: "no such user") == nil)
    }
}
