# SPDX-License-Identifier: MIT
"""A debuginfod server of this machine's own, for a test."""
import http.server
import re
import subprocess
import threading


def build_id(path):
    """The build-id of an ELF file, in hex."""
    shown = subprocess.run(["readelf", "-n", path], check=True,
                           stdout=subprocess.PIPE, encoding="utf-8",
                           timeout=60).stdout
    return re.search("Build ID: ([0-9a-f]+)", shown).group(1)


class Server:
    """Serves executables (build-id: path) on the loopback; served: which."""

    def __init__(self, files):
        outer = self
        self.served = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                wanted = re.fullmatch("/buildid/([0-9a-f]+)/executable",
                                      self.path)
                path = wanted and files.get(wanted.group(1))
                if not path:
                    self.send_error(404)
                    return
                with open(path, "rb") as file:
                    data = file.read()
                outer.served.append(wanted.group(1))
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_words):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.http.server_port
        self.thread = threading.Thread(target=self.http.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()
