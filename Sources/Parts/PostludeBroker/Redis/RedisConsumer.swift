internal import PostludeSystem

/// Consumes a queue on Redis, and delivers each message at least once.
///
/// Redis has no acknowledgements. So a message is moved atomically to a list of this consumer, and removed from that list
/// when it is settled. Each consumer renews a key that expires. After it has expired, any other consumer of the queue moves
/// the messages back, in atomic steps, so that each is moved only once.
package final class RedisConsumer: CeleryConsumer {
    package struct Times: Sendable {
        /// The time after which a consumer without a sign of life is considered dead.
        package var life: Duration
        /// The interval at which a consumer gives a sign of life, and reclaims the messages of dead consumers.
        package var interval: Duration
        /// The longest time for which Redis waits for a message in the first list. It is also the interval at which the other
        /// lists are polled.
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
    /// The connection for commands that Redis answers at once.
    private let commands: RedisConnection
    /// The connection for BLMOVE, which Redis answers when a message arrives. Other commands would have to wait for that.
    private let moves: RedisConnection
    private var isMoving = false
    private var isTaking = true
    private var nextBeat = MonotonicTime(nanoseconds: .min)
    private var taken: [UInt64: [UInt8]] = [:]
    private var lastNumber: UInt64 = 0
    /// The sizes of the messages that Redis has set aside, of which `receive` is yet to tell.
    private var sizesSetAside: [Int] = []

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
            if !sizesSetAside.isEmpty { return .setAside(size: sizesSetAside.removeFirst()) }
            let isFull = taken.count >= prefetch || !isTaking
            if isMoving {
                if let message = try awaitMove(until: min(deadline, nextBeat), orReadable: descriptor) {
                    return receive(message, isRedelivered: false)
                }
                // The wait for the first list is over, so all lists are tried again.
                if !isMoving { continue }
            } else if !isFull, let (message, isReturned) = try take() {
                return receive(message, isRedelivered: isReturned)
            }
            if !sizesSetAside.isEmpty { continue }
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

    private var heartbeatCommands: [[RedisWord]] {
        [
            ["SET", RedisWord(keys.alive(keys.consumer)), "1", "EX", seconds],
            ["SADD", RedisWord(keys.consumers), RedisWord(keys.consumer)],
        ]
    }

    private func beat() throws(BrokerError) {
        _ = try commands.commands(heartbeatCommands)
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
        let parts = noteSetAside(reply)
        guard parts.count == 2, case .integer(let list) = parts[0], case .bytes(let message) = parts[1]
        else { return nil }
        return (message, list == 0)
    }

    /// Notes the sizes of the messages that a script has set aside.
    ///
    /// - Parameter reply: a script's, which begins with these sizes.
    /// - Returns: the rest of the reply.
    private func noteSetAside(_ reply: RedisReply) -> [RedisReply] {
        guard case .array(let parts) = reply, case .array(let sizes)? = parts.first else { return [] }
        for case .integer(let size) in sizes { sizesSetAside.append(Int(clamping: size)) }
        return Array(parts.dropFirst())
    }

    /// Starts the wait for a message. The sign of life is sent in the same batch, so that it exists before a message is moved,
    /// however late Redis executes the command.
    private func startMove() throws(BrokerError) {
        let wait = Double(times.wait.saturatedNanoseconds) / 1e9
        let move: [RedisWord] = [
            "BLMOVE", RedisWord(keys.lists[0]), RedisWord(keys.taken(keys.consumer)), "RIGHT", "LEFT",
            "\(wait)",
        ]
        try moves.send(heartbeatCommands + [move])
        isMoving = true
        for _ in heartbeatCommands {
            guard let reply = try moves.reply(until: .now + moves.address.answerTimeout) else {
                throw moves.closed("no answer within \(moves.address.answerTimeout)", code: .timeout)
            }
            try moves.check(reply)
        }
        moveEnd = .now + times.wait + moves.address.answerTimeout
    }

    /// The time until which BLMOVE must be answered.
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
                    // kombu sets this header in messages that it has restored.
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

    // MARK: Dead consumers

    /// Moves the messages of dead consumers to the list of returned messages.
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
            guard noteSetAside(reply).first == .integer(1_000) else { return }
        }
    }

    /// Stops the delivery of messages. The message of a pending BLMOVE may still arrive.
    package func stopTaking() throws(BrokerError) { isTaking = false }

    package var deadLetters: String { "in the list \(keys.rejected)" }

    /// Returns unacknowledged messages to the queue. If Redis cannot be reached, other consumers do that later.
    package func close() {
        defer {
            commands.close()
            moves.close()
        }
        guard !isClosed else { return }
        do throws(BrokerError) {
            // A message that is moved after the list was emptied would be lost.
            if isMoving {
                guard let reply = try moves.reply(until: .now + times.wait + .seconds(1)) else { return }
                try moves.check(reply)
            }
            _ = try commands.commands([["DEL", RedisWord(keys.alive(keys.consumer))]])
            // To the queue itself, so that workers in Python also get the messages.
            try giveBack(of: keys.consumer, to: keys.lists[0])
        } catch {
            // Other consumers reclaim the messages when this one's key has expired.
        }
    }
}

/// The keys of a queue on Redis: kombu's lists, and the keys for at-least-once delivery.
private struct RedisKeys {
    let queue: String
    let prefix: String
    /// This consumer's name.
    let consumer: String

    /// The keys of the queue's lists, in the order in which workers empty them.
    var lists: [String] {
        RedisMessage.prioritySteps.map { RedisMessage.list(of: queue, priority: $0, keyPrefix: prefix) }
    }

    /// The key of the set of consumers that may have messages.
    var consumers: String { "\(prefix)postlude:consumers:\(queue)" }
    /// The key of the list of messages from dead consumers, which are delivered before those of the queue.
    var returned: String { "\(prefix)postlude:returned:\(queue)" }
    /// The key of the list of rejected messages, the newest first.
    var rejected: String { "\(prefix)postlude:rejected:\(queue)" }
    /// Returns the key of a consumer's sign of life, which expires unless the consumer renews it.
    func alive(_ consumer: String) -> String { "\(prefix)postlude:alive:\(queue):\(consumer)" }
    /// Returns the key of the list of messages that a consumer has received and not settled.
    func taken(_ consumer: String) -> String { "\(prefix)postlude:taken:\(queue):\(consumer)" }
}

/// Lua scripts, which Redis runs atomically.
private enum RedisScript {
    /// The index of the last rejected message that is kept, as LTRIM expects it: 1,000 messages are kept.
    private static let lastKeptRejectedIndex = 999

    private static let rejectTooLarge = """
        local sizes = {}
        local function rejectTooLarge(list, message, rejected, limit)
            if #message <= limit then return false end
            table.insert(sizes, #message)
            redis.call('LREM', list, 1, message)
            redis.call('LPUSH', rejected, message)
            redis.call('LTRIM', rejected, 0, \(lastKeptRejectedIndex))
            return true
        end

        """

    /// Takes the next message of several lists. It adds the consumer to the set first, so that the message can be reclaimed,
    /// even if the command arrives long after it was sent.
    ///
    /// Keys: alive, consumers, taken, rejected, then the lists. Arguments: seconds to live, consumer, largest message.
    /// Returns the sizes of the messages that were set aside, then the list's index and the message, if there is one.
    static let take =
        rejectTooLarge + """
            redis.call('SET', KEYS[1], '1', 'EX', ARGV[1])
            redis.call('SADD', KEYS[2], ARGV[2])
            for i = 5, #KEYS do
                while true do
                    local message = redis.call('LMOVE', KEYS[i], KEYS[3], 'RIGHT', 'LEFT')
                    if not message then break end
                    if not rejectTooLarge(KEYS[3], message, KEYS[4], tonumber(ARGV[3])) then
                        return {sizes, i - 5, message}
                    end
                end
            end
            return {sizes}
            """

    /// Moves at most 1,000 messages of a dead consumer to another list.
    ///
    /// Keys: alive, taken, returned, consumers, rejected. Arguments: consumer, largest message. Returns the sizes of the
    /// messages that were set aside, and the number of moved messages, or -1 if the consumer is alive.
    static let reclaim =
        rejectTooLarge + """
            if redis.call('EXISTS', KEYS[1]) == 1 then return {sizes, -1} end
            for count = 0, 999 do
                local message = redis.call('LMOVE', KEYS[2], KEYS[3], 'LEFT', 'RIGHT')
                if not message then
                    redis.call('SREM', KEYS[4], ARGV[1])
                    return {sizes, count}
                end
                rejectTooLarge(KEYS[3], message, KEYS[5], tonumber(ARGV[2]))
            end
            return {sizes, 1000}
            """

    /// Moves a message from the consumer's list, if it is still there, to the right end of another list.
    ///
    /// Keys: taken, the other list. Arguments: message.
    static let requeue = """
        if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end
        redis.call('RPUSH', KEYS[2], ARGV[1])
        return 1
        """

    /// Moves a message from the consumer's list, if it is still there, to the rejected messages.
    ///
    /// Keys: taken, rejected. Arguments: message.
    static let reject = """
        if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end
        redis.call('LPUSH', KEYS[2], ARGV[1])
        redis.call('LTRIM', KEYS[2], 0, \(lastKeptRejectedIndex))
        return 1
        """
}
