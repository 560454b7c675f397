-- The arguments: the method, and a body of JSON text, which may be empty.
function init(arguments)
    wrk.method = arguments[1]
    if arguments[2] ~= "" then
        wrk.body = arguments[2]
        wrk.headers["Content-Type"] = "application/json"
    end
end

-- wrk's figures as one line of JSON, in place of its rounded text.
function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        'JSON {"requests":%d,"seconds":%.6f,"p50_ms":%.4f,"p99_ms":%.4f,"max_ms":%.4f,' ..
        '"timeouts":%d,"bad_status":%d,"socket_errors":%d}\n',
        summary.requests, summary.duration / 1e6,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
        errors.timeout, errors.status, errors.connect + errors.read + errors.write))
end
