# SPDX-License-Identifier: MIT
"""Answers of the engine as it gave them: answers.json, by their schemas' names.

    recorded.py     ask anew, of a core of fixtures/python/leaky_service.py run
                    by /usr/bin/python3, and write the file

Needs REFSCOPE_ENGINE and tests/support in PYTHONPATH.
"""
import copy
import json
import os
import re
import sys
import tempfile

import paths

sys.path.insert(0, os.path.join(paths.ROOT, "tests", "support"))

import schemas  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = os.path.join(HERE, "answers.json")
PYTHON = "/usr/bin/python3"
FEW = 3  # of each list


def ask():
    """Every answer, of one core."""
    import engine
    from targets import FIXTURES, Target, python
    script = os.path.join(FIXTURES, "leaky_service.py")
    with tempfile.TemporaryDirectory() as folder:
        with Target(python(PYTHON, script), folder) as target:
            request = int(target.wait_ready()[0], 16)
            core = target.gcore()
        with engine.Session(core, exact="off") as session:
            found = session.collect(limit=1)["objects"][0]["id"]
            answers = {
                "info": session.info(), "gc": session.gc(),
                "collect": session.collect(limit=FEW),
                "types": session.types(limit=FEW),
                "objects": session.objects(limit=FEW),
                "leaks": session.leaks(limit=FEW),
                "cycles": session.cycles(limit=FEW),
                "garbage": session.garbage(limit=FEW),
                "count": session.count(request, limit=FEW),
                "show": session.show(int(found, 16), limit=FEW),
                "reachable": session.reachable(request, limit=FEW),
                "referrers": session.referrers(request, 2, limit=FEW),
                "why": session.why(request, limit=FEW),
                "export_jsonl": session.export(os.path.join(folder, "out")),
                "export_dot": session.export_dot(os.path.join(folder, "dot"),
                                                 limit=FEW)}
        with engine.Session(core, run=True) as session:
            answers.update(
                verify=session.verify(limit=FEW),
                repr=session.repr(request), eval=session.eval("print(6 * 7)"),
                rehearse_collect=session.rehearse(limit=FEW),
                rehearse_drop=session.rehearse_cut(1, limit=FEW))
    return answers


def load():
    with open(FILE, encoding="utf-8") as text:
        return json.load(text)


ANSWERS = load() if os.path.exists(FILE) else {}


def answer(name, members):
    """An answer that the engine could give: these members, and for all others
    that its schema requires, those that were recorded, at any depth."""
    given = complete(copy.deepcopy(members), SCHEMAS[name],
                     ANSWERS.get(name))
    schemas.check(name, given)
    return given


def complete(value, schema, before):
    """The value with what it lacks; before: the recorded one, or None."""
    if isinstance(value, list):
        like = before[0] if isinstance(before, list) and before else None
        return [complete(one, schema_of(schema, "items"), like)
                for one in value]
    if not isinstance(value, dict):
        return value
    before = before if isinstance(before, dict) else {}
    required, properties = set(), {}
    for part in parts(schema, value):
        required.update(part.get("required", ()))
        properties.update(part.get("properties", {}))
    for key in required - set(value):
        value[key] = copy.deepcopy(before[key]) if key in before else \
            nothing(properties.get(key, {}))
    return {key: complete(one, properties.get(key, {}), before.get(key))
            for key, one in value.items()}


def parts(schema, value):
    """The schemas that hold for a value, of which this one is made."""
    yield schema
    if "$ref" in schema:
        file, _, place = schema["$ref"].partition(".json#")
        found = SCHEMAS[file]
        for step in place.split("/")[1:]:
            found = found[step]
        yield from parts(found, value)
    for one in schema.get("allOf", ()):
        yield from parts(one, value)
    for one in schema.get("anyOf", schema.get("oneOf", ())):
        if one.get("type") != "null":
            yield from parts(one, value)
    if "if" in schema:
        known = schema["if"].get("properties", {})
        fits = all(value.get(key) == one["const"]
                   for key, one in known.items())
        yield from parts(schema.get("then" if fits else "else", {}), value)


def schema_of(schema, key):
    return next((part[key] for part in parts(schema, {}) if key in part), {})


def nothing(schema):
    """The least that fits."""
    kind = schema_of(schema, "type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "null" in kinds:
        return None
    choice = schema_of(schema, "enum")
    return choice[0] if choice else {
        "string": "", "integer": 0, "number": 0, "boolean": False,
        "array": [], "object": {}}.get(kinds[0])


def whole(schema, name):
    """With the name of the file in each reference to the same file."""
    if isinstance(schema, list):
        return [whole(one, name) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: name + ".json" + one if key == "$ref" and one[0] == "#"
            else whole(one, name) for key, one in schema.items()}


SCHEMAS = {name: whole(schema, name)
           for name, schema in schemas.read_all().items()}


def main():
    written = json.dumps(ask(), indent=1, sort_keys=True) + "\n"
    # Of nobody's machine.
    written = re.sub(r"/tmp/\w+", "/tmp/x", written.replace(
        paths.ROOT, "/refscope"))
    with open(FILE, "w", encoding="utf-8") as out:
        out.write(written)


if __name__ == "__main__":
    main()
