/// The keys of a queue on Redis: kombu's lists, and what our consumers need for at-least-once.
struct RedisKeys {
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
enum RedisScript {
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
