# target: leak one --stop
# ways: live core remote
refs
refs collect
refs cycles
refs garbage
refs gc
refs types
