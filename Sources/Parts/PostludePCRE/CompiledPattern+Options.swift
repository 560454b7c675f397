internal import CPostludePCRE2

extension CompiledPattern {
    /// The options of a pattern; each is PCRE2's option of that name.
    package struct Options: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// The pattern and the subject are UTF-8.
        package static var utf: Options { Options(rawValue: PCRE2_UTF) }
        /// `\d`, `\w` and the POSIX classes take Unicode properties, not only ASCII.
        package static var unicodeProperties: Options { Options(rawValue: PCRE2_UCP) }
        /// A dot also matches line ends.
        package static var dotAll: Options { Options(rawValue: PCRE2_DOTALL) }
        /// `$` matches only at the very end, not before a final line feed.
        package static var dollarEndOnly: Options { Options(rawValue: PCRE2_DOLLAR_ENDONLY) }
        /// A match must begin at the subject's beginning.
        package static var anchored: Options { Options(rawValue: PCRE2_ANCHORED) }
        /// A match must end at the subject's end.
        package static var endAnchored: Options { Options(rawValue: PCRE2_ENDANCHORED) }
        /// `\C`, which could split a character, does not compile.
        package static var neverBackslashC: Options { Options(rawValue: PCRE2_NEVER_BACKSLASH_C) }
    }
}
