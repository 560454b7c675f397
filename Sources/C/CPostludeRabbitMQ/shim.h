#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

// The login takes the SASL mechanism's credentials as variable arguments, and Swift cannot call such functions.
static inline amqp_rpc_reply_t postlude_amqp_login(
    amqp_connection_state_t state, const char *vhost, int frame_max, int heartbeat, const amqp_table_t *properties,
    const char *user, const char *password) {
    return amqp_login_with_properties(
        state, vhost, 0, frame_max, heartbeat, properties, AMQP_SASL_METHOD_PLAIN, user, password);
}

// The numbers of the methods are macros with a cast, which Swift does not import.
static const uint32_t postlude_amqp_basic_ack = AMQP_BASIC_ACK_METHOD;
static const uint32_t postlude_amqp_basic_nack = AMQP_BASIC_NACK_METHOD;
static const uint32_t postlude_amqp_basic_return = AMQP_BASIC_RETURN_METHOD;
static const uint32_t postlude_amqp_basic_deliver = AMQP_BASIC_DELIVER_METHOD;
static const uint32_t postlude_amqp_basic_cancel = AMQP_BASIC_CANCEL_METHOD;
static const uint32_t postlude_amqp_channel_close = AMQP_CHANNEL_CLOSE_METHOD;
static const uint32_t postlude_amqp_channel_close_ok = AMQP_CHANNEL_CLOSE_OK_METHOD;
static const uint32_t postlude_amqp_connection_close = AMQP_CONNECTION_CLOSE_METHOD;
static const uint32_t postlude_amqp_connection_close_ok = AMQP_CONNECTION_CLOSE_OK_METHOD;
static const uint32_t postlude_amqp_connection_blocked = AMQP_CONNECTION_BLOCKED_METHOD;
static const uint32_t postlude_amqp_connection_unblocked = AMQP_CONNECTION_UNBLOCKED_METHOD;

#include <pthread.h>

// glibc declares it only with _GNU_SOURCE, and Swift imports its headers without.
extern int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes);

// The size of the calling thread's stack in bytes; 0 if it is not known.
static inline size_t postlude_stack_size(void) {
    pthread_attr_t attributes;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) { return 0; }
    pthread_attr_getstacksize(&attributes, &size);
    pthread_attr_destroy(&attributes);
    return size;
}
