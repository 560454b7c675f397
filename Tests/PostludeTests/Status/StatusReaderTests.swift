import PostludeManifest
import Testing

@testable import Postlude

@Suite("The readers of the status pages")
struct StatusReaderTests {
    private func reader(
        _ parameters: [(String, String)] = [], viewers: [String]? = nil, operators: [String]? = nil,
        header: String? = nil, allowsActions: Bool = true
    ) throws -> String {
        var roles = Manifest.Status.Roles()
        (roles.viewers, roles.operators, roles.header) = (viewers, operators, header)
        let request = try RequestFixture(parameters: parameters).request()
        let reader = StatusReader(request, roles, allowsActions: allowsActions)
        let rights = [
            (reader.mayView, "view"), (reader.mayChange, "change"), (reader.seesValues, "values"),
        ]
        return ([reader.user ?? "-"] + rights.filter(\.0).map(\.1)).joined(separator: " ")
    }

    private static let (ada, bob) = ([("REMOTE_USER", "ada")], [("REMOTE_USER", "bob")])

    @Test("Without roles, all may see the pages, and change tasks if the manifest allows it")
    func none() throws {
        #expect(try reader() == "- view change values")
        #expect(try reader(Self.ada) == "ada view change values")
        #expect(try reader(allowsActions: false) == "- view")
    }

    @Test(
        "With operators, only they change tasks and see values; with viewers, only these and operators see the pages"
    )
    func roles() throws {
        #expect(try reader(Self.ada, operators: ["ada"]) == "ada view change values")
        #expect(try reader(Self.ada, operators: ["ada"], allowsActions: false) == "ada view values")
        #expect(try reader(Self.bob, operators: ["ada"]) == "bob view")
        #expect(try reader(operators: ["ada"]) == "- view")
        #expect(try reader(Self.bob, viewers: ["bob"], operators: ["ada"]) == "bob view")
        #expect(try reader(Self.ada, viewers: ["bob"], operators: ["ada"]) == "ada view change values")
        #expect(try reader([("REMOTE_USER", "eve")], viewers: ["bob"], operators: ["ada"]) == "eve")
        #expect(try reader(viewers: ["bob"]) == "-")
        #expect(try reader([("REMOTE_USER", "")], viewers: ["bob"]) == "-")
        #expect(try reader(Self.bob, viewers: ["bob"]) == "bob view change values")
        // A name is compared as a whole.
        #expect(try reader([("REMOTE_USER", "bob,ada")], viewers: ["bob"]) == "bob,ada")
    }

    @Test("A header has several names; the user is still REMOTE_USER, if there is one")
    func header() throws {
        let groups = ("HTTP_X_GROUPS", "staff, on-call ,")
        #expect(
            try reader([groups], operators: ["on-call"], header: "X-Groups")
                == "staff, on-call , view change values")
        #expect(
            try reader(Self.ada + [groups], operators: ["on-call"], header: "X-Groups")
                == "ada view change values")
        #expect(try reader([groups], viewers: ["call"], header: "X-Groups") == "staff, on-call ,")
        #expect(try reader(Self.ada, viewers: ["ada"], header: "X-Groups") == "ada")
        #expect(try reader([("HTTP_X_GROUPS", "")], viewers: [""], header: "X-Groups") == "-")
    }

    @Test(
        "The command that reads the socket needs no user, and changes nothing; a client's header is not that")
    func command() throws {
        #expect(
            try reader([(StatusReader.commandParameter, "1")], viewers: ["bob"], operators: ["ada"])
                == "- view")
        #expect(
            try reader([("HTTP_\(StatusReader.commandParameter)", "1")], viewers: ["bob"]) == "-")
    }
}
