/// Which folders of a module use which, found by the names of their declarations.
///
/// A use is the name of a type, function or value at a file's top level, or of a member that an extension
/// adds: in a file that names the extended type, if no other declaration has the member's name. Uses of other
/// members show by the names of their types.
struct FolderGraph {
    struct Use: CustomStringConvertible {
        let file: String
        let line: Int
        let name: String
        let user: String
        let used: String

        var description: String { "\(file):\(line): \(user) uses \(name) of \(used)" }
    }

    /// One for each file and name.
    private(set) var uses: [Use] = []
    private(set) var folders: Set<String> = []

    /// - Parameters:
    ///   - files: the texts of the module's files by their paths from its folder.
    ///   - foreign: the names of members of other modules.
    init(_ files: [String: String], foreign: Set<String> = []) {
        let sources = files.sorted { $0.key < $1.key }.map { path, text in
            let words = SwiftWords(text).all
            return (
                path: path, folder: Self.folder(of: path), words: words,
                declarations: SwiftDeclarations(words)
            )
        }
        folders = Set(sources.map(\.folder))
        var owners: [String: Set<String>] = [:]
        var membersFolders: [String: Set<String>] = [:]
        var added: [String: Set<String>] = [:]
        var extended: [String: String] = [:]
        for source in sources {
            for name in source.declarations.topLevel { owners[name, default: []].insert(source.folder) }
            for name in source.declarations.members {
                membersFolders[name, default: []].insert(source.folder)
            }
            for (member, type) in source.declarations.added {
                added[member, default: []].insert(source.folder)
                extended[member] = type
            }
        }
        // A name that two folders declare shows nothing.
        for (member, folders) in added
        where folders.count == 1 && membersFolders[member]?.count == 1 && !foreign.contains(member) {
            if owners[member] == nil { owners[member] = folders } else { extended[member] = nil }
        }
        for source in sources {
            let named = Set(source.words.lazy.filter(\.isIdentifier).map(\.text))
            var seen: Set<String> = []
            for (index, word) in source.words.enumerated() where word.isIdentifier {
                guard let owner = owners[word.text], owner.count == 1, let used = owner.first,
                    used != source.folder, !source.declarations.types.contains(word.text)
                else { continue }
                if let type = extended[word.text], !named.contains(type) { continue }
                if word.text.first?.isUppercase == true {
                    // A nested type is another type.
                    if index > 0, source.words[index - 1].text == "." { continue }
                } else if source.declarations.members.contains(word.text) {
                    continue
                }
                guard seen.insert(word.text).inserted else { continue }
                uses.append(
                    Use(
                        file: source.path, line: word.line, name: word.text, user: source.folder, used: used))
            }
        }
    }

    /// - Returns: the first folder of the path; empty for a file that is in none.
    private static func folder(of path: String) -> String {
        path.contains("/") ? String(path.prefix { $0 != "/" }) : ""
    }
}
