# SPDX-License-Identifier: MIT
# What a rehearsal runs in an image of a core (rehearse_call.c), on every
# version from 2.7 on: perhaps drops one reference, then has the program's own
# collector run. Automatic collections are off.
#
# Before: modules (sys.modules), generation, what (what to drop, "" for
# nothing), place, watch (addresses in hex, each after a space), all as bytes,
# and perhaps holder, key and target. After, as bytes: printed (what the
# program wrote to its standard streams), value (lines "NAME VALUE...", below),
# error and message.
#
#   returned N          what gc.collect() returned
#   garbage N N         len(gc.garbage) before and after
#   found STATE A TYPE  a line of the collector, in its order: STATE is
#                       collectable or uncollectable
#   alive A             one of those is still tracked after it
#   dropped A           one of watch that is gone once the reference is
#   freed A             one of watch that is gone at the end
#   cleared N           as many of watch were taken out of gc.garbage
#
# What is looked for is not kept alive: no local variable refers to it.

modules = globals()['modules']


class Out(object):
    """sys.stdout and sys.stderr: the collector's lines, and all others."""

    encoding = 'utf-8'
    errors = 'backslashreplace'
    softspace = 0
    room = 1 << 19

    def __init__(self):
        self.parts = []
        self.size = 0

    def write(self, text):
        if not isinstance(text, (str, type(u''))):
            raise TypeError('write() takes text')
        if self.size <= self.room:
            self.parts.append(text)
            self.size += len(text)
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        pass

    def isatty(self):
        return False


def utf8(text):
    if isinstance(text, bytes):
        return text
    return modules['_codecs'].utf_8_encode(text, 'backslashreplace')[0]


def drop(scope):
    """The reference that holder has at place, or under key."""
    what = scope.pop('what')
    place = scope.pop('place')
    holder = scope.pop('holder', None)
    key = scope.pop('key', None)
    if what == b'attribute':
        if isinstance(holder, type):
            type.__delattr__(holder, key)
        else:
            drop_attribute(holder, key)
    elif what == b'key':
        dict.__delitem__(holder, key)
    elif what == b'index' and isinstance(holder, list):
        list.__setitem__(holder, int(place), None)
    elif what == b'index' and hasattr(type(holder), '__setitem__'):
        holder[int(place)] = None
    elif what == b'member':
        type(holder).discard(holder, scope['target'])
        del scope['target']
    elif what == b'dict':
        holder.__dict__ = {}
    elif what == b'closure':
        del holder.cell_contents
    elif what:
        raise TypeError('%s: %s' % (type(holder).__name__, what))


def drop_attribute(holder, key):
    try:
        object.__delattr__(holder, key)
    except (AttributeError, TypeError):
        # Instances of old-style classes, modules, what has no slot to delete.
        own = getattr(holder, '__dict__', None)
        if own is None or key not in own:
            raise
        dict.__delitem__(own, key)


def addresses_of(text):
    found = []
    for word in text.split():
        found.append(int(word, 16))
    return found


def rehearse(scope, system, gc, out):
    told = []
    watch = addresses_of(scope.pop('watch'))
    generation = int(scope.pop('generation'))
    seen, parsed, before, after = set(), [], [], None
    debug = gc.get_debug() | gc.DEBUG_COLLECTABLE | gc.DEBUG_UNCOLLECTABLE
    if str is bytes:
        debug |= gc.DEBUG_INSTANCES | gc.DEBUG_OBJECTS
    debug &= ~gc.DEBUG_STATS
    drop(scope)
    if watch:
        seen.update(watch)
        for one in gc.get_objects():
            seen.discard(id(one))
        one = None
        for address in watch:
            if address in seen:
                told.append('dropped 0x%x' % address)
    told.append('garbage %d' % len(gc.garbage))
    lines = out.parts
    mark = len(lines)
    gc.set_debug(debug)
    returned = gc.collect(generation)
    gc.set_debug(debug & gc.DEBUG_SAVEALL)
    told.append('returned %d' % returned)
    told.append('after %d' % len(gc.garbage))
    seen.clear()
    for number in range(mark, len(lines)):
        words = lines[number].split()
        if len(words) > 2 and words[0] == 'gc:' and words[1] in (
                'collectable', 'uncollectable'):
            address = int(words[-1].rstrip('>'), 16)
            kind = ' '.join(words[2:-1]).lstrip('<')
            if kind.endswith(' instance at'):
                kind = kind[:-12]
            parsed.append((number, words[1], address, kind))
            seen.add(address)
    if watch:
        cleared = 0
        for number in range(len(gc.garbage) - 1, -1, -1):
            if id(gc.garbage[number]) in watch:
                del gc.garbage[number]
                cleared += 1
        if cleared:
            told.append('cleared %d' % cleared)
            gc.collect()
        after = set(watch)
    for one in gc.get_objects():
        if id(one) in seen:
            before.append(id(one))
        if after is not None:
            after.discard(id(one))
    one = None
    for number, state, address, kind in parsed:
        told.append('found %s 0x%x %s' % (state, address, kind))
        lines[number] = ''
    for address in before:
        told.append('alive 0x%x' % address)
    for address in watch:
        if address in after:
            told.append('freed 0x%x' % address)
    return '\n'.join(told)


def words_of(error):
    try:
        return utf8(str(error))
    except Exception:
        return utf8(repr(error))


def run(scope, system):
    out = Out()
    system.stdout = system.stderr = out
    try:
        gc = modules.get('gc') or __import__('gc')
        scope['value'] = utf8(rehearse(scope, system, gc, out))
    except:
        kind, error = system.exc_info()[:2]
        scope['error'] = utf8(kind.__name__)
        scope['message'] = words_of(error)
    scope['printed'] = b''.join([utf8(part) for part in out.parts])


run(globals(), modules['sys'])
