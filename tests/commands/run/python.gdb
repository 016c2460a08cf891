# Code of a core runs when it is allowed to, in a process apart.
# target: speaks.py waits
# python: system
# ways: core
show refs run
refs repr -name __main__.objects[33]
set refs run on
refs repr -name __main__.objects[33]
refs repr -name __main__.objects[34]
refs repr -name __main__.objects[20]
refs repr -limit 10 -name __main__.objects[17]
refs repr -name __main__
refs eval 6 * 7
refs eval import sys; m = sys.modules['__main__']; print(m.Point(1, m.Node(2)))
refs eval -name -object __main__.objects[33] (obj.number, type(obj).__name__)
refs eval -- -1
refs eval open('/etc/passwd')
refs eval import os; os.fork()
refs eval import os; os.kill(1, 9)
refs eval import os; os._exit(3)
refs eval -timeout 1 exec("while True: pass")
refs eval import ctypes; ctypes.string_at(8)
refs eval 'a' * (1 << 40)
refs eval 1 +
refs repr 0x10
