"""Serves the bare repositories of a folder with dulwich, to one account. Reads {root, authorization} as JSON from standard
input, and writes its port when it is ready."""

import json
import socketserver
import sys

from dulwich.server import FileSystemBackend
from dulwich.web import WSGIRequestHandlerLogger, WSGIServerLogger, make_server, make_wsgi_chain

settings = json.loads(sys.stdin.readline())


class Backend(FileSystemBackend):
    def open_repository(self, path):
        return super().open_repository(path.lstrip("/"))


class Server(socketserver.ThreadingMixIn, WSGIServerLogger):
    daemon_threads = True


served = make_wsgi_chain(Backend(settings["root"]))


def guard(environ, start_response):
    if environ.get("HTTP_AUTHORIZATION") == settings["authorization"]:
        return served(environ, start_response)
    start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="dulwich"')])
    return []


server = make_server(
    "127.0.0.1", 0, guard, server_class=Server, handler_class=WSGIRequestHandlerLogger
)
print(server.server_port, flush=True)
server.serve_forever()
