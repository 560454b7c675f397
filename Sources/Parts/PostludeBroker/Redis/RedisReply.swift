internal import CPostludeHiredis

/// Redis' answer to a command, copied out of hiredis' memory.
enum RedisReply: Hashable, Sendable {
    case null
    case integer(Int64)
    case status(String)
    case bytes([UInt8])
    case array([RedisReply])
    case error(String)

    /// hiredis itself takes no more than seven levels.
    init(_ reply: redisReply, depth: Int = 0) {
        func bytes() -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: reply.str, count: reply.str == nil ? 0 : reply.len)
        }
        switch reply.type {
        case REDIS_REPLY_STRING: self = .bytes(Array(bytes()))
        case REDIS_REPLY_INTEGER: self = .integer(reply.integer)
        case REDIS_REPLY_STATUS: self = .status(String(decoding: bytes(), as: UTF8.self))
        case REDIS_REPLY_ERROR: self = .error(String(decoding: bytes().prefix(500), as: UTF8.self))
        case REDIS_REPLY_ARRAY where depth < 8:
            let elements = UnsafeBufferPointer(
                start: reply.element, count: reply.element == nil ? 0 : reply.elements)
            self = .array(elements.map { $0.map { RedisReply($0.pointee, depth: depth + 1) } ?? .null })
        default: self = .null
        }
    }
}
