# target: shelf --stop
# ways: live
refs info
refs collect
refs verify
