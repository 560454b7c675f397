/// A value that cannot be taken; the reader that knows the value's place adds what was found.
struct ValueMistake: Error {
    let expected: String
}
