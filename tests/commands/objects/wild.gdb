# Addresses that hold no object.
# target: leak one --stop
refs count 16
refs show $rsp
refs count 0xffffffffffffffff
refs why -name x.y
refs export jsonl /nowhere/x
refs export dot <tmp>/g 16
print $refs_count(16)
print 42
