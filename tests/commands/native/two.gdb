# target: leak two --stop
# ways: live core remote
refs collect
refs cycles
