# -json is one object on one line, as the engine made it.
# target: leak one --stop
refs collect -json
refs cycles -json
refs garbage -json
refs types -json
refs gc -json
