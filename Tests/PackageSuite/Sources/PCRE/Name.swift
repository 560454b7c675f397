public let name = "PCRE"
