# target: leak two --stop
refs export jsonl <tmp>/graph.jsonl
shell cat <tmp>/graph.jsonl
refs export jsonl -labels off <tmp>/graph.jsonl
shell cat <tmp>/graph.jsonl
refs export dot <tmp>/graph.dot
shell grep -o 'label=".*' <tmp>/graph.dot
