/// The texts of a repeated parameter.
struct TextList: ListValues {
    let texts: [String]
    let parent: InputDecoder

    var count: Int { texts.count }

    func decoder(at index: Int) -> TextDecoder {
        let text = texts[index]
        return TextDecoder(text, all: [text], parent: parent, step: .index(index))
    }
}
