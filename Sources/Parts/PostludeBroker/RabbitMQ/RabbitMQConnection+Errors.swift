internal import CPostludeRabbitMQ

extension RabbitMQConnection {
    func check(_ status: Int32, _ what: String) throws(BrokerError) {
        guard status != AMQP_STATUS_OK.rawValue else { return }
        if status == AMQP_STATUS_HEARTBEAT_TIMEOUT.rawValue {
            throw closed("the broker was silent for \(2 * address.heartbeat) s", code: .timeout)
        }
        throw closed("\(what): \(Self.text(status))")
    }

    func check(_ reply: amqp_rpc_reply_t, _ what: String) throws(BrokerError) {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION:
            guard let (code, text) = Self.closing(reply) else { throw closed("\(what): an unknown answer") }
            throw closed("\(what): \(text) (\(code))", remedy: Self.remedy(code), code: .answer)
        case AMQP_RESPONSE_LIBRARY_EXCEPTION:
            let isLate = reply.library_error == AMQP_STATUS_TIMEOUT.rawValue
            throw closed("\(what): \(Self.text(reply.library_error))", code: isLate ? .timeout : .closed)
        default: throw closed("\(what): the broker has closed the connection")
        }
    }

    /// What the broker said when it closed the channel or the connection.
    static func closing(_ reply: amqp_rpc_reply_t) -> (code: UInt16, text: String)? {
        guard reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION else { return nil }
        return closing(reply.reply)
    }

    static func closing(_ method: amqp_method_t) -> (code: UInt16, text: String)? {
        guard let decoded = method.decoded else { return nil }
        switch method.id {
        case postlude_amqp_connection_close:
            let close = decoded.load(as: amqp_connection_close_t.self)
            return (close.reply_code, String(amqp: close.reply_text))
        case postlude_amqp_channel_close:
            let close = decoded.load(as: amqp_channel_close_t.self)
            return (close.reply_code, String(amqp: close.reply_text))
        default: return nil
        }
    }

    static func remedy(_ code: UInt16) -> BrokerError.Remedy {
        switch code {
        case 402, 403, 406, 530: .settings
        case 311: .message
        default: .retry
        }
    }

    static func text(_ status: Int32) -> String {
        amqp_error_string2(status).map { String(cString: $0) } ?? "error \(status)"
    }

    /// What the broker says of what it was sent is an answer; all else may mean anything for it.
    func closedByBroker(_ what: String, _ code: UInt16, _ text: String) -> BrokerError {
        let remedy = Self.remedy(code)
        return closed(
            "the broker has closed the \(what): \(text) (\(code))", remedy: remedy,
            code: remedy == .retry ? .closed : .answer)
    }
}
