import Glibc

/// What a run over some bytes came to: everything a caller of the gate can see.
private struct Outcome: Equatable {
    var events: [Gate.Progress] = []
    var violation: ProtocolViolation?
    var replies: [UInt8] = []
    var bodies: [[UInt8]] = []
    var parameters: [[String]] = []
}

private let limits = GateLimits(head: 4096, drain: 8192, strayRecords: 16)
private let bodyLimit = 2048

/// Feeds `bytes` to a gate in pieces of `size`, and traps where a bound is broken.
private func run(_ bytes: [UInt8], piecesOf size: Int, ignoringBodies: Bool) -> Outcome {
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
                let progress = try gate.advance(piece.span, from: &offset) { _ in
                    ignoringBodies ? .ignore : .collect(limit: bodyLimit)
                }
                precondition(offset > before, "the gate took nothing")
                outcome.replies += gate.takeReplies()
                switch progress {
                case .incomplete:
                    precondition(offset == piece.count, "the gate stopped early")
                case .aborted:
                    outcome.events.append(progress)
                case .closing:
                    outcome.events.append(progress)
                    return outcome
                case .request, .refused:
                    let (head, body) = gate.takeRequest()
                    precondition(body.count <= bodyLimit, "a body over its limit")
                    if case .request = progress, !ignoringBodies, let length = head.contentLength {
                        precondition(body.count == length, "a body that is not as long as CONTENT_LENGTH")
                    }
                    outcome.events.append(progress)
                    outcome.bodies.append(body)
                    outcome.parameters.append(head.parameters.flatMap { [$0.name, $0.value] })
                    gate.finish()
                }
                precondition(
                    outcome.replies.count <= 4 * bytes.count + 256, "more was answered than was asked")
            } catch {
                outcome.replies += gate.takeReplies()
                outcome.violation = error
                return outcome
            }
        }
    }
    return outcome
}

/// The first byte chooses how the rest is cut; whatever the cut, the outcome is the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzGate(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard let choice = input.first else { return 0 }
    let bytes = Array(input.dropFirst())
    let ignoring = choice & 0x80 != 0
    let whole = run(bytes, piecesOf: .max, ignoringBodies: ignoring)
    let cut = run(bytes, piecesOf: max(1, Int(choice & 0x7f)), ignoringBodies: ignoring)
    precondition(whole == cut, "the outcome depends on how the bytes were cut")
    return 0
}
