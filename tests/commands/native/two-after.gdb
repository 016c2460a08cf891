# After the collection the garbage list has what could not be freed.
# target: leak two --stop-after
refs collect
refs garbage
refs cycles
