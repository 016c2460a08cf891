# target: stop_at.py 2.7/two.py
# python: 2.7
# ways: live core remote
refs collect
refs cycles
