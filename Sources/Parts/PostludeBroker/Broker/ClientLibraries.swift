internal import CPostludeHiredis
internal import Glibc
internal import PostludeSystem

enum HiredisVersion {
    static var text: String { "\(HIREDIS_MAJOR).\(HIREDIS_MINOR).\(HIREDIS_PATCH)" }
}

/// Times as librabbitmq and hiredis take them.
extension timeval {
    init(_ duration: Duration) {
        let microseconds = duration.saturatedNanoseconds / 1_000
        self.init(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
    }
}
