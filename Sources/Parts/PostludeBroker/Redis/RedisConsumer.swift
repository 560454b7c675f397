internal import PostludeSystem

/// Takes a queue's messages from Redis, at least once each.
///
/// Redis itself forgets what it has given. So a message is moved, at once, to a list of this consumer's own, and leaves
/// it when it is acknowledged. A consumer renews a key that expires; where it has expired, any other consumer of the
/// queue moves the whole list back, at once, so that only one does.
package final class RedisConsumer: CeleryConsumer {
    package struct Times: Sendable {
        /// How long a consumer may be silent before it counts as dead.
        package var life: Duration
        /// How often it gives one, and looks after the others.
        package var interval: Duration
        /// How long Redis waits for a message in the first list; the other lists are looked into that often.
        package var wait: Duration

        package init(
            life: Duration = .seconds(30), interval: Duration = .seconds(10), wait: Duration = .seconds(1)
        ) {
            (self.life, self.interval, self.wait) = (life, interval, wait)
        }
    }

    private let keys: RedisKeys
    private let identity = UInt64.random(in: 1 ... .max)
    private let prefetch: Int
    private let times: Times
    /// For all that is answered at once.
    private let commands: RedisConnection
    /// For the one command that Redis answers when a message comes: others would wait after it.
    private let moves: RedisConnection
    private var isMoving = false
    private var isTaking = true
    private var nextBeat = MonotonicTime(nanoseconds: .min)
    private var taken: [UInt64: [UInt8]] = [:]
    private var lastNumber: UInt64 = 0

    package var delayedDelivery: DelayedDelivery { .unused }
    package var isClosed: Bool { commands.isClosed || moves.isClosed }

    package init(
        _ address: BrokerAddress, queue: String, prefetch: Int, times: Times = Times()
    ) throws(BrokerError) {
        do throws(ContractViolation) {
            try MessageCheck.check(queue: queue, at: "the queue")
        } catch {
            throw BrokerError(.address, .settings, "\(error.place) \(error.reason)")
        }
        self.prefetch = max(1, prefetch)
        self.times = times
        keys = RedisKeys(queue: queue, prefix: address.keyPrefix, consumer: String(identity, radix: 36))
        commands = try RedisConnection(address)
        moves = try RedisConnection(address)
    }

    deinit { close() }

    // MARK: Receiving

    package func receive(
        within time: Duration, orReadable descriptor: Int32?
    ) throws(BrokerError) -> Received? {
        let deadline = MonotonicTime.now + time
        while true {
            if .now >= nextBeat {
                try beat()
                try reclaim()
            }
            let isFull = taken.count >= prefetch || !isTaking
            if isMoving {
                if let message = try awaitMove(until: min(deadline, nextBeat), orReadable: descriptor) {
                    return receive(message, isRedelivered: false)
                }
                // Redis has waited for the first list long enough: now the others.
                if !isMoving { continue }
            } else if !isFull, let (message, isReturned) = try take() {
                return receive(message, isRedelivered: isReturned)
            }
            guard .now < deadline, descriptor.map({ !isReadable($0) }) ?? true else { return nil }
            if isFull, !isMoving {
                let rest = max(.zero, min(deadline, nextBeat) - .now)
                waitForInput(
                    descriptor.map { [$0] } ?? [],
                    milliseconds: Int32(clamping: rest.saturatedNanoseconds / 1_000_000 + 1))
            } else if !isMoving {
                try startMove()
            }
        }
    }

    private var seconds: RedisWord { "\(max(1, times.life.saturatedNanoseconds / 1_000_000_000))" }

    private var signOfLife: [[RedisWord]] {
        [
            ["SET", RedisWord(keys.alive(keys.consumer)), "1", "EX", seconds],
            ["SADD", RedisWord(keys.consumers), RedisWord(keys.consumer)],
        ]
    }

    private func beat() throws(BrokerError) {
        _ = try commands.commands(signOfLife)
        nextBeat = .now + times.interval
    }

    private func script(_ script: String, keys: [String], _ arguments: RedisWord...) throws(BrokerError)
        -> RedisReply
    {
        let words: [RedisWord] =
            ["EVAL", RedisWord(script), "\(keys.count)"] + keys.map { RedisWord($0) } + arguments
        return try commands.commands([words]).first ?? .null
    }

    private func take() throws(BrokerError) -> (message: [UInt8], isReturned: Bool)? {
        let own = [keys.alive(keys.consumer), keys.consumers, keys.taken(keys.consumer), keys.rejected]
        let reply = try script(
            RedisScript.take, keys: own + [keys.returned] + keys.lists, seconds, RedisWord(keys.consumer),
            "\(ContractBounds.envelope)")
        guard case .array(let parts) = reply, parts.count == 2, case .integer(let list) = parts[0],
            case .bytes(let message) = parts[1]
        else { return nil }
        return (message, list == 0)
    }

    /// Has Redis wait for a message. The sign of life goes along: it is there before a message is moved, whenever that
    /// may be.
    private func startMove() throws(BrokerError) {
        let wait = Double(times.wait.saturatedNanoseconds) / 1e9
        let move: [RedisWord] = [
            "BLMOVE", RedisWord(keys.lists[0]), RedisWord(keys.taken(keys.consumer)), "RIGHT", "LEFT",
            "\(wait)",
        ]
        try moves.send(signOfLife + [move])
        isMoving = true
        for _ in signOfLife {
            guard let reply = try moves.reply(until: .now + moves.address.answerTimeout) else {
                throw moves.closed("no answer within \(moves.address.answerTimeout)", code: .timeout)
            }
            try moves.check(reply)
        }
        moveEnd = .now + times.wait + moves.address.answerTimeout
    }

    /// When an answer must have come.
    private var moveEnd = MonotonicTime(nanoseconds: .max)

    private func awaitMove(until deadline: MonotonicTime, orReadable descriptor: Int32?) throws(BrokerError)
        -> [UInt8]?
    {
        guard let reply = try moves.reply(until: min(deadline, moveEnd), orReadable: descriptor) else {
            guard .now < moveEnd else { throw moves.closed("no answer to BLMOVE", code: .timeout) }
            return nil
        }
        isMoving = false
        try moves.check(reply)
        guard case .bytes(let message) = reply else { return nil }
        return message
    }

    private func receive(_ message: [UInt8], isRedelivered: Bool) -> Received {
        lastNumber += 1
        taken[lastNumber] = message
        let id = Delivery.ID(consumer: identity, number: lastNumber)
        do throws(IncomingTask.Refusal) {
            let task = try IncomingTask(envelope: message)
            return .task(
                Delivery(
                    id: id, task: task,
                    // kombu says so of what it has restored.
                    isRedelivered: isRedelivered || task.headers["redelivered"] == .bool(true),
                    earlierDeliveries: nil))
        } catch {
            return .refused(Received.Refused(error, as: id))
        }
    }

    // MARK: Settling

    private func settle(_ delivery: Delivery.ID) throws(BrokerError) -> [UInt8] {
        guard delivery.consumer == identity, let message = taken.removeValue(forKey: delivery.number) else {
            throw BrokerError(
                .delivery, .message,
                "\(commands.address): the delivery belongs to another consumer, or was concluded before")
        }
        return message
    }

    @discardableResult
    package func acknowledge(_ delivery: Delivery.ID) throws(BrokerError) -> Bool {
        let message = try settle(delivery)
        let replies = try commands.commands([
            ["LREM", RedisWord(keys.taken(keys.consumer)), "-1", RedisWord(message)]
        ])
        return replies.first == .integer(1)
    }

    @discardableResult
    package func reject(_ delivery: Delivery.ID, reason: String) throws(BrokerError) -> Bool {
        let message = try settle(delivery)
        return try script(
            RedisScript.reject, keys: [keys.taken(keys.consumer), keys.rejected], RedisWord(message))
            == .integer(1)
    }

    @discardableResult
    package func requeue(_ delivery: Delivery.ID) throws(BrokerError) -> Bool {
        let message = try settle(delivery)
        return try script(
            RedisScript.requeue, keys: [keys.taken(keys.consumer), keys.lists[0]], RedisWord(message))
            == .integer(1)
    }

    // MARK: The dead

    /// Moves back what dead consumers have left.
    private func reclaim() throws(BrokerError) {
        let replies = try commands.commands([["SMEMBERS", RedisWord(keys.consumers)]])
        guard case .array(let members)? = replies.first else { return }
        for case .bytes(let bytes) in members {
            let consumer = String(decoding: bytes, as: UTF8.self)
            guard consumer != keys.consumer else { continue }
            try giveBack(of: consumer, to: keys.returned)
        }
    }

    private func giveBack(of consumer: String, to list: String) throws(BrokerError) {
        while true {
            let reply = try script(
                RedisScript.reclaim,
                keys: [keys.alive(consumer), keys.taken(consumer), list, keys.consumers, keys.rejected],
                RedisWord(consumer), "\(ContractBounds.envelope)")
            guard reply == .integer(1_000) else { return }
        }
    }

    /// One that Redis has been asked for may still come.
    package func stopTaking() throws(BrokerError) { isTaking = false }

    package var deadLetters: String { "in the list \(keys.rejected)" }

    /// Gives back what is not acknowledged, at once if Redis can still be reached; others do it otherwise.
    package func close() {
        defer {
            commands.close()
            moves.close()
        }
        guard !isClosed else { return }
        do throws(BrokerError) {
            // What is moved after the list was emptied would never be found.
            if isMoving {
                guard let reply = try moves.reply(until: .now + times.wait + .seconds(1)) else { return }
                try moves.check(reply)
            }
            _ = try commands.commands([["DEL", RedisWord(keys.alive(keys.consumer))]])
            // Python's workers are to find it as well.
            try giveBack(of: keys.consumer, to: keys.lists[0])
        } catch {
            // The others see that this one is gone.
        }
    }
}

/// The keys of a queue on Redis: kombu's lists, and what our consumers need for at-least-once.
private struct RedisKeys {
    let queue: String
    let prefix: String
    /// This consumer's name.
    let consumer: String

    /// In the order in which workers empty them.
    var lists: [String] {
        RedisMessage.prioritySteps.map { RedisMessage.list(of: queue, priority: $0, keyPrefix: prefix) }
    }

    /// A set of the consumers that may hold messages.
    var consumers: String { "\(prefix)postlude:consumers:\(queue)" }
    /// What dead consumers had taken; it comes before the queue.
    var returned: String { "\(prefix)postlude:returned:\(queue)" }
    /// Messages that no consumer could decode or run, the newest first.
    var rejected: String { "\(prefix)postlude:rejected:\(queue)" }
    /// Expires when the consumer does not renew it.
    func alive(_ consumer: String) -> String { "\(prefix)postlude:alive:\(queue):\(consumer)" }
    /// What a consumer has taken and not acknowledged.
    func taken(_ consumer: String) -> String { "\(prefix)postlude:taken:\(queue):\(consumer)" }
}

/// What must happen at once, as scripts that Redis runs.
private enum RedisScript {
    /// How many rejected messages are kept.
    private static let keptRejected = 999

    private static let weed = """
        local function weed(list, message, rejected, limit)
            if #message <= limit then return false end
            redis.call('LREM', list, 1, message)
            redis.call('LPUSH', rejected, message)
            redis.call('LTRIM', rejected, 0, \(keptRejected))
            return true
        end

        """

    /// Takes the next message of several lists. The consumer is made known first: whatever it holds can be reclaimed,
    /// also when this command was sent long before it came.
    ///
    /// Keys: alive, consumers, taken, rejected, then the lists. Arguments: seconds to live, consumer, largest message.
    static let take =
        weed + """
            redis.call('SET', KEYS[1], '1', 'EX', ARGV[1])
            redis.call('SADD', KEYS[2], ARGV[2])
            for i = 5, #KEYS do
                while true do
                    local message = redis.call('LMOVE', KEYS[i], KEYS[3], 'RIGHT', 'LEFT')
                    if not message then break end
                    if not weed(KEYS[3], message, KEYS[4], tonumber(ARGV[3])) then return {i - 5, message} end
                end
            end
            return false
            """

    /// Moves what a consumer holds to where others find it, unless it lives.
    ///
    /// Keys: alive, taken, returned, consumers, rejected. Arguments: consumer, largest message. Gives the number moved,
    /// or -1 for a living one.
    static let reclaim =
        weed + """
            if redis.call('EXISTS', KEYS[1]) == 1 then return -1 end
            for count = 0, 999 do
                local message = redis.call('LMOVE', KEYS[2], KEYS[3], 'LEFT', 'RIGHT')
                if not message then
                    redis.call('SREM', KEYS[4], ARGV[1])
                    return count
                end
                weed(KEYS[3], message, KEYS[5], tonumber(ARGV[2]))
            end
            return 1000
            """

    /// Moves a message from the consumer's list to the right end of another, if it is still there.
    ///
    /// Keys: taken, the other. Arguments: message.
    static let requeue = """
        if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end
        redis.call('RPUSH', KEYS[2], ARGV[1])
        return 1
        """

    /// The same to those that were rejected.
    static let reject = """
        if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end
        redis.call('LPUSH', KEYS[2], ARGV[1])
        redis.call('LTRIM', KEYS[2], 0, \(keptRejected))
        return 1
        """
}
