# A ring takes time by its length, and a screen however long it is.
# target: long_ring.py
# python: system
# ways: live
refs cycles -limit 1
