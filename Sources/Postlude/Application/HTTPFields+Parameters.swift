internal import HTTPTypes

extension HTTPFields {
    /// The header fields among FastCGI parameters: `HTTP_USER_AGENT` is `User-Agent`.
    ///
    /// A header that the client repeated is a parameter that the web server repeated, or joined; both read the same.
    init(parameters: some Sequence<(name: String, value: String)>) {
        self.init()
        for (name, value) in parameters {
            let field: Substring
            if name == "HTTP_CONTENT_TYPE" || name == "HTTP_CONTENT_LENGTH" {
                // nginx sends these beside CONTENT_TYPE and CONTENT_LENGTH.
                continue
            } else if name.hasPrefix("HTTP_") {
                field = name.dropFirst("HTTP_".count)
            } else if (name == "CONTENT_TYPE" || name == "CONTENT_LENGTH") && !value.isEmpty {
                field = name[...]
            } else {
                continue
            }
            guard let fieldName = HTTPField.Name(String(field.map { $0 == "_" ? "-" : $0 }).lowercased())
            else {
                continue
            }
            append(HTTPField(name: fieldName, value: value))
        }
    }
}
