# SPDX-License-Identifier: MIT
"""Answers of the engine, held against include/refscope/schema.

An answer that has a member which its schema does not describe, or lacks one
that it requires, is an error that names the member and the file to change.
Without jsonschema (Debian: python3-jsonschema) nothing is held against
anything, and HAVE is false.
"""
import json
import os
import warnings

from targets import ROOT

FOLDER = os.path.join(ROOT, "include", "refscope", "schema")
SHOWN = "include/refscope/schema/%s.json"
# Of a long list these many entries are looked at, and the last ones: all are
# written by the same code, and a heap has millions.
FIRST, LAST = 40, 10

try:
    import jsonschema
    HAVE = True
except ImportError:
    HAVE = False


class Misfit(AssertionError):
    """An answer does not fit its schema."""


def read_all():
    found = {}
    for file in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, file), encoding="utf-8") as text:
            found[file[:-len(".json")]] = json.load(text)
    return found


def make_validators():
    """A validator for each schema; they refer to common.json."""
    schemas = read_all()
    validator = jsonschema.Draft202012Validator
    try:
        import referencing
        from referencing.jsonschema import DRAFT202012
        registry = referencing.Registry().with_resources(
            (schema["$id"], DRAFT202012.create_resource(schema))
            for schema in schemas.values())
        return {name: validator(schema, registry=registry)
                for name, schema in schemas.items()}
    except ImportError:  # jsonschema before 4.18, as in Debian 12
        store = {schema["$id"]: schema for schema in schemas.values()}
        return {name: validator(schema, resolver=jsonschema.RefResolver(
            schema["$id"], schema, store=store))
            for name, schema in schemas.items()}


def check_schema(schema):
    """Raise unless this is a JSON schema."""
    jsonschema.Draft202012Validator.check_schema(schema)


VALIDATORS = {}


def trimmed(value):
    """The answer with its long lists cut."""
    if isinstance(value, dict):
        return {key: trimmed(item) for key, item in value.items()}
    if isinstance(value, list):
        if len(value) > FIRST + LAST:
            value = value[:FIRST] + value[-LAST:]
        return [trimmed(item) for item in value]
    return value


def deepest(error):
    """The error that says most: of alternatives, inside the one that fits."""
    while error.context:
        error = max(error.context, key=lambda e: len(e.absolute_path))
    return error


def check(name, answer):
    """Raise Misfit unless `answer` is as the schema of that name says."""
    if not HAVE:
        return
    if not VALIDATORS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            VALIDATORS.update(make_validators())
    if name not in VALIDATORS:
        raise Misfit("no schema for %s: write %s" % (name, SHOWN % name))
    errors = list(VALIDATORS[name].iter_errors(trimmed(answer)))
    if not errors:
        return
    # Some releases of jsonschema then also call the members unevaluated that
    # hold what does not fit.
    error = max(map(deepest, errors), key=lambda e: len(e.absolute_path))
    raise Misfit(
        "answer \"%s\", at $%s: %s\n(describe it in %s; what every answer or "
        "every object has stands in %s)" % (
            name, "".join("[%r]" % p for p in error.absolute_path),
            error.message[:500], SHOWN % name, SHOWN % "common"))



def name_of(command):
    """The schema for "refs count -json 0x10"; None: another command."""
    words = command.split()
    if words[:1] != ["refs"] or "-json" not in words:
        return None
    if words[1] == "-json":
        return "info"
    if words[1] == "export":
        return "export_" + words[2]
    return words[1]
