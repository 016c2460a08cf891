# target: stop_at.py --comment test_code_2 2.7/two.py
# python: 2.7
refs collect
refs cycles
