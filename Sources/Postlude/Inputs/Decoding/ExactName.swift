/// A name as a dictionary's key that is equal to those of the same bytes alone: `String` takes `é` as one scalar and `é` as
/// two for the same, which no client and no other server does.
struct ExactName: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (one: ExactName, other: ExactName) -> Bool { areSame(one.text, other.text) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    static func areSame(_ one: String, _ other: String) -> Bool {
        // The first comparison is the fast one.
        one == other && one.utf8.elementsEqual(other.utf8)
    }
}
