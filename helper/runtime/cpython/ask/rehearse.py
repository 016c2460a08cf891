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
# What is looked for is not kept alive: no local variable refers to it. The code
# prepares; then the function finish is called.

# From output.py, which runs before this.
modules = globals()['modules']
Out = globals()['Out']
utf8 = globals()['utf8']

# Lines of the collector for as many objects as the host has room for.
Out.room = 1 << 19


def native(text):
    """The bytes as a str; no codec is looked up."""
    if str is bytes:
        return text
    return modules['_codecs'].utf_8_decode(text, 'replace')[0]


class CannotDrop(Exception):
    pass


def drop(scope):
    """The reference that holder has at place, or under key."""
    try:
        drop_it(scope)
    except Exception:
        raise CannotDrop(words_of(modules['sys'].exc_info()[1]))


def words_of(error):
    try:
        return '%s: %s' % (type(error).__name__, error)
    except Exception:
        return repr(error)


def drop_it(scope):
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
    elif what == b'field':
        drop_field(holder, native(place))
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


def drop_field(holder, name):
    if name == '__dict__':
        holder.__dict__ = {}
        return
    try:
        object.__delattr__(holder, name)
    except (AttributeError, TypeError):
        setattr(holder, name, None)


def addresses_of(text):
    found = []
    for word in text.split():
        found.append(int(word, 16))
    return found


def collector_line(line):
    """State, address and type of what a line of the collector names."""
    words = line.split()
    if len(words) < 3 or words[0] != 'gc:' or words[1] not in (
            'collectable', 'uncollectable'):
        return None
    kind = ' '.join(words[2:-1]).lstrip('<')
    if kind.endswith(' instance at'):
        kind = kind[:-12]
    return words[1], int(words[-1].rstrip('>'), 16), kind


def without(left, objects):
    """Takes the addresses of objects out of the set."""
    for one in objects:
        left.discard(id(one))


def take_lines(lines, mark, report, objects):
    """The collector's lines, and which of those objects are among objects."""
    found = set()
    for number in range(mark, len(lines)):
        line = collector_line(lines[number])
        if line is not None:
            report.append('found %s 0x%x %s' % line)
            found.add(line[1])
            lines[number] = ''
    for one in objects:
        if id(one) in found:
            report.append('alive 0x%x' % id(one))


def clear_garbage(gc, watched):
    cleared = 0
    for number in range(len(gc.garbage) - 1, -1, -1):
        if id(gc.garbage[number]) in watched:
            del gc.garbage[number]
            cleared += 1
    return cleared


class Rehearsal(object):
    """What is freed leaves its place to what is made next. So all is made
    before anything is dropped, and what is tracked is listed at once."""

    def __init__(self, scope, gc, lines):
        self.scope, self.gc, self.lines = scope, gc, lines
        self.report, self.watch = [], addresses_of(scope.pop('watch'))
        self.watched, self.left = set(self.watch), set(self.watch)
        self.gone = set()
        self.generation = int(scope.pop('generation'))
        self.drops = scope['what'] != b''
        debug = (gc.get_debug() | gc.DEBUG_COLLECTABLE
                 | gc.DEBUG_UNCOLLECTABLE)
        if str is bytes:
            debug |= gc.DEBUG_INSTANCES | gc.DEBUG_OBJECTS
        self.debug = debug & ~gc.DEBUG_STATS

    def look(self, objects):
        """What is gone stays so, whatever is made in its place."""
        without(self.left, objects)
        self.gone |= self.left
        self.left |= self.watched

    def tell_gone(self, word):
        for address in self.watch:
            if address in self.gone:
                self.report.append('%s 0x%x' % (word, address))

    def collect(self):
        gc, report = self.gc, self.report
        report.append('garbage %d' % len(gc.garbage))
        mark = len(self.lines)
        gc.set_debug(self.debug)
        returned = gc.collect(self.generation)
        objects = gc.get_objects()
        if self.watch:
            self.look(objects)
        gc.set_debug(self.debug & gc.DEBUG_SAVEALL)
        report.append('returned %d' % returned)
        report.append('after %d' % len(gc.garbage))
        take_lines(self.lines, mark, report, objects)

    def end(self):
        cleared = clear_garbage(self.gc, self.watched)
        self.report.append('cleared %d' % cleared)
        if cleared:
            self.gc.collect()
            self.look(self.gc.get_objects())
        self.tell_gone('freed')


    def check(self):
        """Within a collection gc.collect() does nothing."""
        ring = []
        ring.append(ring)
        ring = None
        if not self.gc.collect(0):
            raise Collecting('a collection was running')


class Collecting(Exception):
    pass


def run(part, warm):
    """Returns at once when warm: its frame is then there already."""
    if warm:
        return
    if part.drops:
        drop(part.scope)
    if part.watch:
        part.look(part.gc.get_objects())
        part.tell_gone('dropped')
    part.collect()
    if part.watch:
        part.end()
    if str is bytes or modules['sys'].version_info < (3, 7):
        part.check()


def finish(warm=False):
    scope = globals()
    try:
        run(scope['part'], warm)
        scope['value'] = utf8('\n'.join(scope['part'].report))
    except:
        kind, error = modules['sys'].exc_info()[:2]
        scope['error'] = utf8(kind.__name__)
        scope['message'] = utf8(words_of(error).split(': ', 1)[-1])
    scope['printed'] = b''.join([utf8(text) for text in scope['out'].parts])


out = Out()
modules['sys'].stdout = modules['sys'].stderr = out
part = Rehearsal(globals(), modules.get('gc') or __import__('gc'), out.parts)
finish(True)
