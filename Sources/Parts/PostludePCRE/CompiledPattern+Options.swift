internal import CPostludePCRE2

extension CompiledPattern {
    /// How a pattern is compiled; each option is PCRE2's option of that name.
    package struct Options: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// Pattern and subject are UTF-8.
        package static var utf: Options { Options(rawValue: PCRE2_UTF) }
        /// `\d`, `\w` and the POSIX classes take Unicode properties, not only ASCII.
        package static var unicodeProperties: Options { Options(rawValue: PCRE2_UCP) }
        /// A dot takes line ends as well.
        package static var dotAll: Options { Options(rawValue: PCRE2_DOTALL) }
        /// `$` stands for the very end, not also for the place before a last line feed.
        package static var dollarEndOnly: Options { Options(rawValue: PCRE2_DOLLAR_ENDONLY) }
        /// A match begins at the subject's beginning.
        package static var anchored: Options { Options(rawValue: PCRE2_ANCHORED) }
        /// A match must end at the subject's end.
        package static var endAnchored: Options { Options(rawValue: PCRE2_ENDANCHORED) }
        /// `\C`, which could cut a character in two, does not compile.
        package static var neverBackslashC: Options { Options(rawValue: PCRE2_NEVER_BACKSLASH_C) }
    }
}
