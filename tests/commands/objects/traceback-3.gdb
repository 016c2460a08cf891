# A traceback keeps a frame, and the frame its locals.
# target: kept_by_traceback.py last
# python: 3.11
# ways: live core remote
refs count $1
refs show $1
refs referrers $1
refs referrers -depth 3 $1
refs why -limit 1 $1
refs reachable -limit 3 $1
print $refs_count($1)
print $refs_unexplained($1)
print $refs_garbage($1)
