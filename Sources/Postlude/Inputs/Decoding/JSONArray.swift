/// The elements of a JSON array.
struct JSONArray: ListValues {
    /// The elements' nodes.
    let elements: [Int]
    let parent: JSONNodeDecoder

    var count: Int { elements.count }

    func decoder(at index: Int) -> JSONNodeDecoder {
        JSONNodeDecoder(elements[index], parent: parent, step: .index(index))
    }
}
