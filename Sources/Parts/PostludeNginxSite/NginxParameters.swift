/// The FastCGI parameters of a site: those of nginx/postlude_params.
enum NginxParameters {
    static let lines = [
        ("REQUEST_METHOD", "$request_method"), ("REQUEST_URI", "$request_uri"),
        ("QUERY_STRING", "$query_string"), ("CONTENT_TYPE", "$content_type"),
        ("CONTENT_LENGTH", "$content_length"), ("SCRIPT_NAME", "$fastcgi_script_name"),
        ("DOCUMENT_URI", "$document_uri"), ("SERVER_PROTOCOL", "$server_protocol"),
        ("REQUEST_SCHEME", "$scheme"), ("HTTPS", "$https if_not_empty"), ("REMOTE_ADDR", "$remote_addr"),
        ("REMOTE_PORT", "$remote_port"), ("SERVER_ADDR", "$server_addr"), ("SERVER_PORT", "$server_port"),
        ("SERVER_NAME", "$server_name"),
        // Made by nginx: a client cannot choose what stands in the log.
        ("REQUEST_ID", "$request_id"),
        // A client's `Proxy:` would be taken for the address of a proxy.
        ("HTTP_PROXY", "\"\""),
    ].map { name, value in
        "fastcgi_param " + name + String(repeating: " ", count: 16 - name.count) + value + ";"
    }
}
