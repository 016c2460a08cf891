# In 3.4 and later a finalizer keeps nothing.
# target: stop_at.py 3/two.py
# python: 3.11
# ways: live core remote
refs collect
refs cycles
refs collect -rules 2.7
