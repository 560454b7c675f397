internal import Logging
internal import PostludeSystem

extension ProgramPages {
    /// Unmaps the pages that only the start of a process has needed.
    static func unmapAfterStart(_ logger: Logger) {
        do throws(SystemError) {
            try unmap()
        } catch {
            logger.debug("the pages of the program stay mapped", metadata: ["error": "\(error)"])
        }
    }
}
