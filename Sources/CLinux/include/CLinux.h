// What Linux has and the C library's module for Swift leaves out.
#ifndef CLINUX_H
#define CLINUX_H

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>

// Visible to C only under _GNU_SOURCE, which a module cannot ask of its importer.
int clinux_accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
int clinux_pipe2(int ends[2], int flags);
int clinux_set_pipe_size(int descriptor, int bytes);
void clinux_name_thread(const char *name);
int clinux_open_unnamed(const char *folder, mode_t mode);
int clinux_make_temporary(char *name_template);
int clinux_rename_exclusively(const char *from, const char *to);
int clinux_shared_memory(const char *name, size_t bytes);
// How many connections wait at a listening socket, and how many may; -1 where the kernel does not say.
int clinux_listen_queue(int descriptor, unsigned *waiting, unsigned *limit);
const void *clinux_find(const void *bytes, size_t count, const void *needle, size_t needle_count);

// A signal handler may call few functions and no Swift: it writes the signal's number to a descriptor.
void clinux_forward_signals_to(int descriptor);
int clinux_forward_signal(int signal);

#endif
