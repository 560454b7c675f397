internal import CPostludeRabbitMQ
internal import Glibc
internal import PostludeSystem

/// One connection with one channel. Used by one thread at a time, as librabbitmq demands: so it is not Sendable.
final class RabbitMQConnection {
    let address: BrokerAddress
    /// A channel that the broker has closed is replaced by the next one.
    var channel: amqp_channel_t = 1
    let state: amqp_connection_state_t
    var isClosed = false
    /// Why the broker takes no messages at the moment; nil while it takes them.
    var blocked: String?

    /// The largest frame that we take, RabbitMQ's own limit: what others may publish must be readable.
    static let maximumFrame: Int32 = 131_072

    init(_ address: BrokerAddress) throws(BrokerError) {
        self.address = address
        guard let state = amqp_new_connection() else {
            throw BrokerError(.connect, .retry, "\(address): no memory for a connection")
        }
        self.state = state
        var handshake = timeval(address.connectTimeout)
        var answer = timeval(address.answerTimeout)
        amqp_set_handshake_timeout(state, &handshake)
        amqp_set_rpc_timeout(state, &answer)
        do throws(BrokerError) {
            try openSocket()
            try logIn()
            try openChannel()
        } catch {
            // Not with a farewell, which might wait again.
            isClosed = true
            throw error
        }
    }

    deinit {
        close()
        amqp_destroy_connection(state)
    }

    // MARK: Opening

    private func openSocket() throws(BrokerError) {
        let socket: OpaquePointer?
        if let tls = address.tls {
            socket = amqp_ssl_socket_new(state)
            if let socket { try configure(socket, tls) }
        } else {
            socket = amqp_tcp_socket_new(state)
        }
        guard let socket else { throw BrokerError(.connect, .retry, "\(address): no memory for a socket") }
        var timeout = timeval(address.connectTimeout)
        let status = amqp_socket_open_noblock(socket, address.host, Int32(address.port), &timeout)
        guard status == AMQP_STATUS_OK.rawValue else {
            let certificate = [
                AMQP_STATUS_SSL_PEER_VERIFY_FAILED.rawValue, AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED.rawValue,
            ].contains(status)
            let advice =
                certificate
                ? """
                ; its certificate must be for \(address.host), from an authority in \(authorities): \
                name the file in cacertfile=
                """
                : ""
            throw BrokerError(
                .connect, certificate ? .settings : .retry,
                "\(address): no connection: \(Self.text(status))\(advice)")
        }
    }

    /// The file of trusted authorities: librabbitmq 0.11 knows no default of its own.
    private var authorities: String {
        address.tls?.authorities ?? getenv("SSL_CERT_FILE").map { String(cString: $0) }
            ?? "/etc/ssl/certs/ca-certificates.crt"
    }

    private func configure(_ socket: OpaquePointer, _ tls: BrokerAddress.TLS) throws(BrokerError) {
        amqp_ssl_socket_set_verify_peer(socket, tls.isVerifying ? 1 : 0)
        amqp_ssl_socket_set_verify_hostname(socket, tls.isVerifying ? 1 : 0)
        _ = amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
        if tls.isVerifying, amqp_ssl_socket_set_cacert(socket, authorities) != AMQP_STATUS_OK.rawValue {
            throw BrokerError(
                .connect, .settings,
                """
                \(address): no authorities can be read from \(authorities): \
                name a PEM file in cacertfile= or SSL_CERT_FILE
                """
            )
        }
        if let certificate = tls.certificate {
            let key = tls.key ?? certificate
            guard amqp_ssl_socket_set_key(socket, certificate, key) == AMQP_STATUS_OK.rawValue else {
                throw BrokerError(
                    .connect, .settings,
                    "\(address): the certificate \(certificate) or its key \(key) cannot be used")
            }
        }
    }

    private func logIn() throws(BrokerError) {
        let memory = AMQPMemory()
        var properties = memory.table([
            .init("product", .text("Postlude")), .init("connection_name", .text("postlude \(getpid())")),
            // To be told when a queue is deleted, and when the broker takes nothing.
            .init(
                "capabilities",
                .table([
                    .init("consumer_cancel_notify", .bool(true)), .init("connection.blocked", .bool(true)),
                ])),
        ])
        let reply = postlude_amqp_login(
            state, address.virtualHost, Self.maximumFrame, address.heartbeat, &properties,
            address.user ?? "guest",
            address.password ?? "guest")
        withExtendedLifetime(memory) {}
        do throws(BrokerError) {
            try check(reply, "the login")
        } catch {
            // 403 is a wrong password, 530 an unknown virtual host; an old broker just closes the socket.
            guard error.remedy == .settings else { throw error }
            throw BrokerError(.authentication, .settings, error.description)
        }
    }

    func openChannel() throws(BrokerError) {
        amqp_channel_open(state, channel)
        try check(amqp_get_rpc_reply(state), "opening a channel")
    }

    /// Says farewell, and waits a moment for the answer.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        var patience = timeval(min(address.answerTimeout, .seconds(2)))
        amqp_set_rpc_timeout(state, &patience)
        _ = amqp_connection_close(state, AMQP_REPLY_SUCCESS)
    }

    /// The next frame.
    ///
    /// Reading also sends our heartbeats and looks for the broker's.
    ///
    /// - Returns: nil when none has come in time.
    func frame(until deadline: MonotonicTime) throws(BrokerError) -> amqp_frame_t? {
        guard !isClosed else { throw closed("the connection is closed") }
        var frame = amqp_frame_t()
        var rest = timeval(max(.zero, deadline - .now))
        let status = amqp_simple_wait_frame_noblock(state, &frame, &rest)
        if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
        try check(status, "waiting for the broker")
        return frame
    }

    /// Frees what the frames have held; all of it must have been copied.
    func release() { amqp_maybe_release_buffers(state) }

    /// Waits until something has come, or `descriptor` can be read. What librabbitmq holds already does not show here:
    /// read that first.
    func wait(until deadline: MonotonicTime, orReadable descriptor: Int32?) {
        // Often enough for heartbeats.
        let longest: Duration = .seconds(max(1, Double(address.heartbeat) / 4))
        let rest = min(longest, max(.zero, deadline - .now))
        let milliseconds = Int32(clamping: rest.saturatedNanoseconds / 1_000_000 + 1)
        waitForInput([amqp_get_sockfd(state)] + (descriptor.map { [$0] } ?? []), milliseconds: milliseconds)
    }

    /// Ends the connection: the meaning of its next frame is no longer known.
    func closed(_ reason: String, remedy: BrokerError.Remedy = .retry, code: BrokerError.Code = .closed)
        -> BrokerError
    {
        isClosed = true
        return BrokerError(code, remedy, "\(address): \(reason)")
    }
}
