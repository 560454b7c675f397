internal import Glibc
internal import PostludeSystem

/// Why an uploaded file could not be read or kept.
public struct UploadedFileError: Error, CustomStringConvertible, Sendable {
    /// The kinds of errors that a program may tell apart.
    public struct Code: Hashable, Sendable {
        private let name: String

        /// There is a file of that name already.
        public static let exists = Code(name: "exists")
        /// The file is larger than the limit that the caller has set.
        public static let tooLarge = Code(name: "tooLarge")
        /// The disk is full, or the user's share of it.
        public static let noSpace = Code(name: "noSpace")
        /// The operating system has refused for another reason.
        public static let system = Code(name: "system")
    }

    /// Which kind of error it is.
    public let code: Code
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    init(_ error: SystemError) {
        switch error.errno {
        case EEXIST: self.init(.exists, "\(error); pass replacing: true to replace it")
        case ENOSPC, EDQUOT, EFBIG: self.init(.noSpace, "\(error)")
        default: self.init(.system, "\(error)")
        }
    }
}
