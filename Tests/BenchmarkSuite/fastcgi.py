"""A web server's side of FastCGI: one kept connection that carries one request after another."""

import socket
import struct

from servers import Failure

BEGIN_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
HEADER = struct.Struct("!BBHHBx")
# The limit for one answer, in seconds; a program under valgrind is slow.
PATIENCE = 120


def record(kind, content=b""):
    return HEADER.pack(1, kind, 1, len(content), 0) + content


def length(value):
    return bytes([len(value)]) if len(value) < 128 else struct.pack("!I", len(value) | 1 << 31)


def encode(method, target, body=b""):
    """The bytes of a request as nginx sends it with Debian's fastcgi_params."""
    path, _, query = target.partition("?")
    parameters = {
        "QUERY_STRING": query, "REQUEST_METHOD": method,
        "CONTENT_TYPE": "application/json" if body else "", "CONTENT_LENGTH": str(len(body)) if body else "",
        "SCRIPT_NAME": path, "REQUEST_URI": target, "DOCUMENT_URI": path, "DOCUMENT_ROOT": "/usr/share/nginx/html",
        "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_SCHEME": "http", "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": "nginx/1.22.1", "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "50000",
        "SERVER_ADDR": "127.0.0.1", "SERVER_PORT": "8080", "SERVER_NAME": "localhost", "REDIRECT_STATUS": "200",
        "HTTP_HOST": "localhost"}
    pairs = [(name.encode(), value.encode()) for name, value in parameters.items()]
    stream = b"".join(length(name) + length(value) + name + value for name, value in pairs)
    keep = struct.pack("!HB5x", 1, 1)
    return (record(BEGIN_REQUEST, keep) + record(PARAMS, stream) + record(PARAMS)
            + (record(STDIN, body) if body else b"") + record(STDIN))


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))

    def close(self):
        self.socket.close()

    def ask(self, request):
        """Sends an encoded request, and returns what the application wrote to STDOUT."""
        try:
            self.socket.sendall(request)
            return self.answer()
        except OSError as error:
            raise Failure(f"the application does not answer on its FastCGI socket: {error}") from None

    def answer(self):
        received, place, output = b"", 0, b""
        while True:
            while len(received) - place >= HEADER.size:
                _, kind, _, size, padding = HEADER.unpack_from(received, place)
                end = place + HEADER.size + size + padding
                if len(received) < end:
                    break
                if kind == STDOUT:
                    output += received[place + HEADER.size:place + HEADER.size + size]
                place = end
                if kind == END_REQUEST:
                    return output
            more = self.socket.recv(65536)
            if not more:
                raise OSError("it has closed the connection")
            received += more
