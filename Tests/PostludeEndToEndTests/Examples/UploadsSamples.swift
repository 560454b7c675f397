import Foundation

/// Files that the tests of the uploads example send.
enum UploadsSamples {
    /// 400 × 100 pixels.
    static var png: [UInt8] {
        get throws {
            try decoded(
                "iVBORw0KGgoAAAANSUhEUgAAAZAAAABkCAIAAAAnqfEgAAAACXBIWXMAAA7EAAAOxAGVKw4bAAABGUlEQVR42u3U"
                    + "QREAIAgAQTWD6UhEDIIRxhK8nN0I97h9oxZM60gRGHckAAwLwLAAwwIwLADDAgwLwLAADAswLADDAjAswLAADAvA"
                    + "sADDAjAsAMMCDAvAsAAMCzAsAMMCMCzAsAAMC8CwAMMCMCzAsAAMC8CwAMMCMCwAwwIMC8CwAAwLMCwAwwIwLMCw"
                    + "AAwLwLAAwwIwLADDAgwLwLAADAswLADDAjAswLAADAvAsADDAjAswLAADAvAsADDAjAsAMMCDAvAsAAMCzAsAMMC"
                    + "MCzAsAAMC8CwAMMCMCwAwwIMC8CwAAwLMCwAwwIwLMCwAAwLwLAAwwIwLMCwAAwLwLAAwwIwLADDAgwLwLAADAsw"
                    + "LADDAjAs4F8PdD8DlACrRAIAAAAASUVORK5CYII=")
        }
    }

    /// 48 × 96 pixels.
    static var jpeg: [UInt8] {
        get throws {
            try decoded(
                "/9j/4AAQSkZJRgABAQEAYABgAAD//gA7Q1JFQVRPUjogZ2QtanBlZyB2MS4wICh1c2luZyBJSkcgSlBFRyB2NjIp"
                    + "LCBxdWFsaXR5ID0gMzAK/9sAQwAbEhQXFBEbFxYXHhwbIChCKyglJShROj0wQmBVZWRfVV1baniZgWpxkHNbXYW1"
                    + "hpCeo6utq2eAvMm6pseZqKuk/9sAQwEcHh4oIyhOKytOpG5dbqSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSk"
                    + "pKSkpKSkpKSkpKSkpKSkpKSkpKSk/8AAEQgAYAAwAwEiAAIRAQMRAf/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgME"
                    + "BQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJ"
                    + "ChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeY"
                    + "mZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/EAB8BAAMB"
                    + "AQEBAQEBAQEAAAAAAAABAgMEBQYHCAkKC//EALURAAIBAgQEAwQHBQQEAAECdwABAgMRBAUhMQYSQVEHYXETIjKB"
                    + "CBRCkaGxwQkjM1LwFWJy0QoWJDThJfEXGBkaJicoKSo1Njc4OTpDREVGR0hJSlNUVVZXWFlaY2RlZmdoaWpzdHV2"
                    + "d3h5eoKDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uLj5OXm5+jp"
                    + "6vLz9PX29/j5+v/aAAwDAQACEQMRAD8AioooqDzQooooAKKKKACiiigAooooAKKKKACiiigAooooAKKKKACiiigA"
                    + "ooooAKKKKACiiigAooooAKKKKACiiigAooooAKKKKAP/2Q==")
        }
    }

    /// The header of a PNG with the given size, without the image's data.
    static func bomb(width: Int, height: Int) -> [UInt8] {
        [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13] + Array("IHDR".utf8)
            + [width, height].flatMap { size in [24, 16, 8, 0].map { UInt8(size >> $0 & 0xff) } }
            + [8, 2, 0, 0, 0, 0, 0, 0, 0]
    }

    /// Width and height of a PNG.
    static func size(of png: [UInt8]) -> [Int] {
        guard png.starts(with: [0x89, 0x50, 0x4e, 0x47]), png.count > 24 else { return [] }
        return [png[16..<20], png[20..<24]].map { $0.reduce(0) { $0 << 8 | Int($1) } }
    }

    struct NoBase64: Error {}

    private static func decoded(_ base64: String) throws -> [UInt8] {
        guard let data = Data(base64Encoded: base64) else { throw NoBase64() }
        return Array(data)
    }
}
