# Objects of C and of Python in one graph: paths and rings cross over.
# target: mixed --stop
refs cycles
refs collect
refs why -limit 1 -name kept.py
refs reachable -limit 3 -name kept
refs types -limit 0
