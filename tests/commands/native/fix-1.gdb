# target: leak two --fix 1 --stop
refs collect
refs cycles
