# By name, as the program would say it; nothing of it runs.
# target: kept_by_traceback.py exc
# python: 3.12
refs count -name __main__.ADDRESS
refs show -name __main__.ADDRESS
refs show -name __main__.ADDRESS[0]
refs show -name sys.argv[1]
refs show -limit 0 -name __main__.__dict__['stop']
print $refs_count("__main__.ADDRESS")
refs show -name __main__.nosuch
refs show -name nosuch.x
refs show -name __main__.ADDRESS[7]
refs show -name __main__.ADDRESS[
