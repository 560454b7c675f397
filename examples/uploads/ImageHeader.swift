/// An image's own description, read before it is decoded: a file of a few kilobytes can demand gigabytes of
/// pixels.
struct ImageHeader {
    enum Format {
        case png, jpeg
    }

    /// 100 MB of memory, and more than most cameras make.
    static let maximumPixels = 25_000_000

    let format: Format

    /// - Throws: ``ImageError`` for another format, a damaged header, and too many pixels.
    init(of file: borrowing StoredFile) throws {
        let start = try file.read(at: 0, upTo: 24)
        let size: (width: Int, height: Int)
        if start.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) {
            format = .png
            size = try Self.pngSize(start)
        } else if start.starts(with: [0xff, 0xd8, 0xff]) {
            format = .jpeg
            size = try Self.jpegSize(file)
        } else {
            throw ImageError.unknownFormat
        }
        let (pixels, overflow) = size.width.multipliedReportingOverflow(by: size.height)
        guard pixels > 0 else { throw ImageError.broken }
        guard !overflow, pixels <= Self.maximumPixels else {
            throw ImageError.tooLarge(width: size.width, height: size.height)
        }
    }

    /// In the first chunk (PNG, 11.2.1).
    private static func pngSize(_ start: [UInt8]) throws -> (width: Int, height: Int) {
        guard start.count == 24, start[12..<16].elementsEqual("IHDR".utf8) else { throw ImageError.broken }
        return (number(start[16..<20]), number(start[20..<24]))
    }

    /// In the frame header, after segments that each begin with their length (ITU-T T.81, B.2). A file that
    /// libjpeg might read in another way is refused.
    private static func jpegSize(_ file: borrowing StoredFile) throws -> (width: Int, height: Int) {
        var offset = 2
        for _ in 0..<1_000 {
            let segment = try file.read(at: offset, upTo: 9)
            guard segment.count == 9, segment[0] == 0xff else { throw ImageError.broken }
            switch segment[1] {
            case 0xc0...0xc3, 0xc5...0xc7, 0xc9...0xcb, 0xcd...0xcf:
                return (number(segment[7..<9]), number(segment[5..<7]))
            case 0xc4, 0xcc, 0xdb, 0xdd, 0xe0...0xef, 0xfe:
                let length = number(segment[2..<4])
                guard length >= 2 else { throw ImageError.broken }
                offset += 2 + length
            default: throw ImageError.broken
            }
        }
        throw ImageError.broken
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
}
