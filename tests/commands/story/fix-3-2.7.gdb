# target: stop_at.py --uncomment test_code_4 2.7/two.py
# python: 2.7
refs collect
refs cycles
