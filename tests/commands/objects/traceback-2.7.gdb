# A traceback keeps a frame, and the frame its locals.
# target: kept_by_traceback.py last
# python: 2.7
refs count $1
refs show $1
refs referrers -depth 3 $1
refs why -limit 1 $1
refs reachable -list -limit 3 $1
