internal import CPostludeHiredis

enum HiredisVersion {
    static var text: String { "\(HIREDIS_MAJOR).\(HIREDIS_MINOR).\(HIREDIS_PATCH)" }
}
