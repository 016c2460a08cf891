# The story, on the live process: its own collector and switches.
# target: stop_at.py --uncomment test_code_1 2.7/one.py
# python: 2.7
# ways: live
refs gc disable
refs collect
refs gc debug uncollectable|instances|objects
refs collect -now
refs garbage
refs garbage -clear
refs collect -now
refs gc debug none
refs gc enable
