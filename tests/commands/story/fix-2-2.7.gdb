# target: stop_at.py --comment test_code_3 2.7/two.py
# python: 2.7
refs collect
refs cycles
