"""The nginx that stands before an application under load."""

import socket
import subprocess

CONFIGURATION = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 100000000; keepalive_timeout 600s;
    client_body_temp_path {folder}/body; fastcgi_temp_path {folder}/fastcgi; proxy_temp_path {folder}/proxy;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream application {{ {servers} keepalive 16; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            fastcgi_pass application; fastcgi_keep_conn on;
            # A failed request is not sent again.
            fastcgi_next_upstream off;
            fastcgi_connect_timeout {patience}; fastcgi_read_timeout {patience};
            fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri;
            fastcgi_param QUERY_STRING $query_string; fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param SERVER_PROTOCOL $server_protocol;
        }}
    }}
}}
"""


class Nginx:
    """Passes requests on to the folder's application.socket, or to servers at other addresses.

    `patience` is how long it waits for a server, as nginx has it."""

    def __init__(self, folder, log, servers=None, patience="60s"):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        servers = " ".join(f"server {address};" for address in servers or [f"unix:{folder}/application.socket"])
        (folder / "nginx.conf").write_text(
            CONFIGURATION.format(folder=folder, port=self.port, servers=servers, patience=patience))
        self.process = subprocess.Popen(
            ["nginx", "-p", folder, "-e", folder / "nginx.log", "-c", folder / "nginx.conf"],
            stdout=log, stderr=log)

    def end(self):
        self.process.terminate()
        self.process.wait()
