import Glibc

/// The outcome of feeding bytes to a gate: everything that a caller of the gate can see.
private struct Outcome: Equatable {
    var events: [Gate.Progress] = []
    var violation: ProtocolViolation?
    var replies: [UInt8] = []
    var bodies: [[UInt8]] = []
    /// The requests' CONTENT_LENGTHs.
    var lengths: [Int?] = []
    var parameters: [[String]] = []
}

private let limits = GateLimits(head: 4096, drain: 8192, strayRecords: 16)
private let bodyLimit = 2048

/// How the caller of the gate handles bodies.
private enum Handling: UInt8 {
    case collect, stream, ignore
    /// Reads the part of a streamed body that came with the head, and leaves the rest to the drain.
    case abandon

    var policy: BodyPolicy {
        switch self {
        case .collect: .collect(limit: bodyLimit)
        case .stream, .abandon: .stream(limit: bodyLimit)
        case .ignore: .ignore
        }
    }
}

/// Feeds `bytes` to a gate in pieces of `size`, and traps if a bound is exceeded.
///
/// - Parameter parks: whether responses stay open until the web server aborts them.
private func run(_ bytes: [UInt8], piecesOf size: Int, _ handling: Handling, parks: Bool) -> Outcome {
    var gate = Gate(limits: limits)
    var outcome = Outcome()
    var start = 0
    while start < bytes.count {
        let piece = Array(bytes[start..<min(bytes.count, start + size)])
        start += piece.count
        var offset = 0
        while offset < piece.count {
            let before = offset
            do {
                let progress = try gate.advance(piece.span, from: &offset) { _ in handling.policy }
                precondition(offset > before, "the gate took nothing")
                outcome.replies += gate.takeReplies()
                switch progress {
                case .incomplete:
                    precondition(offset == piece.count, "the gate stopped early")
                    guard gate.isStreaming else { break }
                    takeBody(from: &gate, atMost: piece.count, into: &outcome)
                    if handling == .abandon { gate.finish() }
                case .bodyEnded(let error):
                    takeBody(from: &gate, atMost: piece.count, into: &outcome)
                    outcome.events.append(progress)
                    // A server closes the connection here.
                    guard error == nil else { return outcome }
                    let length = outcome.lengths.last ?? nil
                    precondition(
                        outcome.bodies.last?.count == length ?? outcome.bodies.last?.count,
                        "a streamed body that is not as long as CONTENT_LENGTH")
                    gate.finish()
                case .aborted:
                    outcome.events.append(progress)
                    if parks { gate.finish() }
                case .closing:
                    outcome.events.append(progress)
                    return outcome
                case .request, .refused:
                    let (head, body) = gate.takeRequest()
                    precondition(body.count <= bodyLimit, "a body over its limit")
                    if case .request = progress, handling == .collect, let length = head.contentLength {
                        precondition(body.count == length, "a body that is not as long as CONTENT_LENGTH")
                    }
                    outcome.events.append(progress)
                    outcome.bodies.append(body)
                    outcome.lengths.append(head.contentLength)
                    outcome.parameters.append(head.parameters.flatMap { [$0.name, $0.value] })
                    if parks, case .request = progress {
                        gate.park()
                    } else if !gate.isStreaming {
                        gate.finish()
                    }
                }
                precondition(
                    outcome.replies.count <= 4 * bytes.count + 256, "more was answered than was asked")
            } catch {
                if gate.isStreaming { takeBody(from: &gate, atMost: piece.count, into: &outcome) }
                outcome.replies += gate.takeReplies()
                outcome.violation = error
                return outcome
            }
        }
    }
    return outcome
}

private func takeBody(from gate: inout Gate, atMost count: Int, into outcome: inout Outcome) {
    let body = gate.takeBody()
    precondition(body.count <= count, "the gate kept more of a body than it was just given")
    guard let last = outcome.bodies.indices.last else {
        precondition(body.isEmpty, "a body without a request")
        return
    }
    outcome.bodies[last] += body
    precondition(outcome.bodies[last].count <= bodyLimit, "a streamed body over its limit")
}

/// The first byte chooses how the rest is cut, and how bodies are handled. The outcome does not depend on the
/// cut, unless the cut decides how much of a body is read.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzGate(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard let choice = input.first else { return 0 }
    let bytes = Array(input.dropFirst())
    guard let handling = Handling(rawValue: choice >> 6) else { return 0 }
    let parks = choice & 0x20 != 0 && (handling == .collect || handling == .ignore)
    let whole = run(bytes, piecesOf: .max, handling, parks: parks)
    let cut = run(bytes, piecesOf: max(1, Int(choice & (parks ? 0x1f : 0x3f))), handling, parks: parks)
    precondition(handling == .abandon || whole == cut, "the outcome depends on how the bytes were cut")
    return 0
}
