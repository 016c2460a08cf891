# The same of a newer Python, whose collector frees it.
# target: stop_at.py 3/two.py
# python: 3.11
# ways: live
refs gc threshold 800 12
refs gc threshold 700 10
refs collect -now
refs collect -now
refs gc freeze
refs gc unfreeze
refs garbage -clear
refs gc unknown
refs gc debug objects
refs collect -now -rules 3.4
