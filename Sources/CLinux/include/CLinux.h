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
void clinux_thread_name(char *name, size_t size);
int clinux_dup3(int from, int to, int flags);
int clinux_open_unnamed(const char *folder, mode_t mode);
int clinux_make_temporary(char *name_template);
int clinux_rename_exclusively(const char *from, const char *to);
int clinux_make_memory_file(const char *name);
int clinux_seal(int memory_file);
// Sends one datagram without waiting; `attached` goes along as a descriptor unless it is negative.
ssize_t clinux_send_datagram(
    int descriptor, const void *address, socklen_t address_length, const void *bytes, size_t count, int attached);
const void *clinux_find(const void *bytes, size_t count, const void *needle, size_t needle_count);

// A signal handler may call few functions and no Swift: it writes the signal's number to a descriptor.
void clinux_forward_signals_to(int descriptor);
int clinux_forward_signal(int signal);

#endif
