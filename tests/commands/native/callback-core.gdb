# target: shelf --crash --reach --stop
# ways: core
refs info
refs verify
refs verify -limit 1
shell ls <tmp>
