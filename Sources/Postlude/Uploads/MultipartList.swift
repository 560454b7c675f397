/// The parts of one name.
struct MultipartList: ListValues {
    let contents: [MultipartForm.Part.Content]
    let parent: InputDecoder

    var count: Int { contents.count }

    func decoder(at index: Int) -> MultipartFieldDecoder {
        MultipartFieldDecoder([contents[index]], parent: parent, step: .index(index))
    }
}
