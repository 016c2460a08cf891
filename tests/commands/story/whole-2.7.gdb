# The whole story on a live process, by commands alone: see gdb/STORY.md.
# target: 2.7/told.py
# python: 2.7
# ways: live
refs gc disable
handle SIGUSR1 nostop noprint pass
signal SIGUSR1
refs collect
refs cycles
generate-core-file <tmp>/story.core
add-inferior
inferior 2
core-file <tmp>/story.core
set refs run on
refs cycles -try 1 1
refs cycles -try 1 2
refs collect -rehearse
core-file
inferior 1
remove-inferiors 2
refs gc debug uncollectable|instances|objects
refs collect -now
refs garbage
refs cycles -break 1
refs garbage -clear
refs collect -now
refs gc debug none
refs gc enable
