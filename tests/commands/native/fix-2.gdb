# target: leak two --fix 2 --stop
refs collect
refs cycles
