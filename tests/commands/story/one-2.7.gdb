# The leak of the story, before and after a collection would have found it.
# target: stop_at.py --uncomment test_code_1 2.7/one.py
# python: 2.7
# ways: live core remote
refs collect
refs cycles
refs collect -rules 3.4
refs garbage
refs gc
