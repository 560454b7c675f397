/// How the tables and indices of a task store are called.
enum TableNames: Sendable, CaseIterable {
    /// In a file of the task store's own: `record`, for example.
    case plain
    /// In the application's database, beside its tables: `postlude_record`.
    case prefixed

    var prefix: String {
        switch self {
        case .plain: ""
        case .prefixed: "postlude_"
        }
    }
}

/// A statement on the tables of a task store, or a part of one. It is a static constant, so that its texts are made once.
///
/// In its literal, `~` stands for the prefix of each name of a table or an index.
struct TaskStoreSQL: Sendable, ExpressibleByStringInterpolation, CustomStringConvertible {
    /// The text as it was written, for interpolation into another statement.
    let description: String
    private let prefixed: String
    private let plain: String

    init(stringLiteral text: String) {
        description = text
        plain = Self.text(text, .plain)
        prefixed = Self.text(text, .prefixed)
    }

    func text(_ names: TableNames) -> String {
        switch names {
        case .plain: plain
        case .prefixed: prefixed
        }
    }

    private static func text(_ text: String, _ names: TableNames) -> String {
        text.split(separator: "~", omittingEmptySubsequences: false).joined(separator: names.prefix)
    }
}
