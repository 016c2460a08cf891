# A dict says whose it is: that of a module, a class, a function, sys.modules.
# target: kept_by_traceback.py exc
# python: 2.7
# ways: live core remote
refs count -limit 0 -name __main__.sys
refs count -limit 0 -name __main__.__dict__
refs count -name sys.modules
refs referrers -name __main__.Buffer.__init__
refs show -limit 1 -name sys.__dict__
