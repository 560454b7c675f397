// expect: a range bounds a number, a date, the length of a text or the count of a collection
// expect: a pattern matches a text
// expect: set the properties of an InputFields type in a closure: Room { $0.name = "Blue" }
// expect: set the properties of an InputFields type in a closure: Room { $0.seats = 8 }
import Postlude

struct Options: InputFields {
    @Field(1...3) var isOpen: Bool
    @Field(matching: "^[0-9]+$") var number: Int
}

struct Room: InputFields {
    @Field(1...50) var name: String
    @Field(1...20) var seats: Int
}

let room = Room(name: "Blue", seats: 8)
