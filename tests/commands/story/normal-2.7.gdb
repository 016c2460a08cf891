# target: stop_at.py 2.7/one.py
# python: 2.7
refs collect
refs cycles
