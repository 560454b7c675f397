// Functions of Linux that Swift's module of the C library does not have.
#ifndef CLINUX_H
#define CLINUX_H

#include <spawn.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>

// Declared only with _GNU_SOURCE, which a module cannot define for its importer.
int clinux_accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
int clinux_pipe2(int ends[2], int flags);
int clinux_set_pipe_size(int descriptor, int bytes);
void clinux_name_thread(const char *name);
void clinux_thread_name(char *name, size_t size);
int clinux_dup3(int from, int to, int flags);
int clinux_open_unnamed(const char *folder, mode_t mode);
int clinux_make_temporary(char *name_template);
int clinux_rename_exclusively(const char *from, const char *to);
int clinux_peer_user(int socket, uid_t *user);
int clinux_make_memory_file(const char *name);
int clinux_seal(int memory_file);
// `stdout` is a variable that Swift cannot share between threads.
int clinux_buffer_output_by_lines(void);
int clinux_shared_memory(const char *name, size_t bytes);
// The number of queued connections of a listening socket, and its limit; -1 if the kernel does not report them.
int clinux_listen_queue(int descriptor, unsigned *waiting, unsigned *limit);
const void *clinux_find(const void *bytes, size_t count, const void *needle, size_t needle_count);

// The macros around ancillary data do not import into Swift. A message may carry a descriptor (else -1); neither call
// waits. No address is needed on a connected socket.
ssize_t clinux_send_message(
    int target, const void *address, socklen_t address_length, const void *bytes, size_t count, int descriptor);
ssize_t clinux_receive_message(int source, void *bytes, size_t count, int *descriptor);

// A signal handler may call few functions and no Swift: it writes the signal's number to a descriptor.
void clinux_forward_signals_to(int descriptor);
int clinux_forward_signal(int signal);

// The value with which `sigqueue` sends SIGUSR2 for an upgrade that is forced, and the number that is written then.
#define CLINUX_FORCE 1
#define CLINUX_FORCED_UPGRADE 0xff

// What a process writes to standard error if it ends by a trap: the note that was set last.
void clinux_print_crash_note(void);
void clinux_set_crash_note(const char *note);

// The environment variable with both ends of that pipe, for a program that replaces this one.
#define CLINUX_SIGNAL_PIPE "POSTLUDE_SIGNAL_PIPE"
int clinux_inherited_signal_pipe(int ends[2]);

// The stack of another thread: a signal makes that thread store the addresses of its frames.
int clinux_install_stack_signal(void);
int clinux_unblock(int signal);
pid_t clinux_thread_id(void);
int clinux_stack(int signal, pid_t thread, uintptr_t *addresses, int capacity, int milliseconds);

struct clinux_symbol {
    const char *image;
    uintptr_t base;
    const char *name;
};
int clinux_find_symbol(uintptr_t address, struct clinux_symbol *symbol);
uintptr_t clinux_executable_base(void);

// Calls `visit` for each segment of the program and its libraries that is mapped and cannot be written. No library is unloaded
// meanwhile.
void clinux_visit_read_only_segments(void (*visit)(uintptr_t start, uintptr_t end, void *context), void *context);

// A function of the Swift runtime, which has no header.
char *swift_demangle(
    const char *name, size_t length, char *output, size_t *output_size, uint32_t flags);

// A lock of an open file description on one byte of a file; the kernel releases it with the last descriptor. Neither
// function waits. The last one returns whether another description has a lock on one of the bytes.
int clinux_lock_byte(int descriptor, int64_t byte);
// Releases all locks of an open file description.
void clinux_unlock(int descriptor);
int clinux_is_locked(int descriptor, int64_t first, int64_t count);

// Processes: Swift does not import the numbers of system calls.
int clinux_open_process(pid_t process);
int clinux_close_from(posix_spawn_file_actions_t *actions, int first);
int clinux_begin_in(posix_spawn_file_actions_t *actions, const char *folder);

#endif
