# target: leak two --fix 3 --stop
refs collect
refs cycles
