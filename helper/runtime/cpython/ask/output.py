# SPDX-License-Identifier: MIT
# What every script that runs in an image begins with: eval.py, rehearse.py.
# Before: modules (sys.modules).

modules = globals()['modules']


class Out(object):
    """sys.stdout and sys.stderr: keeps what the host has room for."""

    encoding = 'utf-8'
    errors = 'backslashreplace'
    softspace = 0
    room = 1 << 20

    def __init__(self):
        self.parts = []
        self.size = 0

    def write(self, text):
        if not isinstance(text, (str, type(u''))):
            raise TypeError('write() takes text')
        if self.size <= self.room:
            self.parts.append(text)
            self.size += len(text)
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        pass

    def isatty(self):
        return False


def utf8(text):
    if isinstance(text, bytes):
        return text
    return modules['_codecs'].utf_8_encode(text, 'backslashreplace')[0]
