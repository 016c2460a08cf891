# SPDX-License-Identifier: MIT
# What "refs eval" runs in an image of a core (call.c), on every version from
# 2.7 on. Before: modules (sys.modules), code (UTF-8), perhaps obj. After, as
# bytes: printed, value, error and message, those that there are. CODE runs when
# finish() is called.
#
# Nothing is imported, and no codec looked up by name: either could open a
# file, for which the image would be stopped.

# From output.py, which runs before this.
modules = globals()['modules']
Out = globals()['Out']
utf8 = globals()['utf8']

code = globals()['code']

# CPython looks for the text of a syntax error in the file that is named. It
# gives up without looking on a name that no file can have: in 2.7 the empty
# one, in 3 one with half a surrogate pair.
FILE = '' if str is bytes else u'<refs eval\ud800>'


def decoded(code):
    # 2.7's other interpreters may lack the module, and 3's str() the codec.
    if str is bytes:
        return unicode(code, 'utf-8', 'replace')  # noqa: F821
    return modules['_codecs'].utf_8_decode(code, 'replace')[0]


def words(error):
    try:
        if isinstance(error, SyntaxError):
            return utf8('%s (line %s)' % (error.msg, error.lineno))
        return utf8(str(error))
    except Exception:
        return utf8(repr(error))


def compiled(text, kind):
    try:
        return compile(text, FILE, kind, 0, True)
    except SyntaxError:
        return None


def evaluate(text, scope):
    program = compiled(text.lstrip(), 'eval')
    if program is not None:
        return True, eval(program, scope)
    # A line such as `x = 5; x` prints what its expressions are, as at a prompt.
    # Of several lines 2.7's compiler would take the first alone.
    line = text.strip()
    program = None
    if '\n' not in line:
        program = compiled(line + '\n', 'single')
    if program is None:
        program = compile(text, FILE, 'exec', 0, True)
    # As a statement; eval() takes those too once they are compiled.
    eval(program, scope)
    return False, None


def prepare():
    # What a warning would print is looked for in modules and files.
    modules['_warnings'].filters.insert(0, ('ignore', None, Warning, None, 0))
    if str is bytes and 'encodings' in modules:
        # 2.7 reads u'' literals by way of a codec that is seldom there.
        own = modules['_codecs']
        modules['encodings']._cache['utf-32-be'] = modules['codecs'].CodecInfo(
            own.utf_32_be_encode, own.utf_32_be_decode, name='utf-32-be')


def show_counts(text):
    """The counts of the generations are 2**30 below what they were."""
    if 'gc' not in modules and u'get_count' in text:
        __import__('gc')
    gc = modules.get('gc')
    real = getattr(gc, 'get_count', None)
    if real is not None:
        gc.get_count = lambda: tuple(
            [n + (1 << 30) if n < -(1 << 29) else n for n in real()])


def run(found, system):
    out = Out()
    system.stdout = system.stderr = out
    scope = {'__builtins__': __builtins__, '__name__': 'refs'}
    if 'obj' in found:
        scope['obj'] = found['obj']
    try:
        prepare()
        text = decoded(code)
        show_counts(text)
        is_value, value = evaluate(text, scope)
        if is_value:
            found['value'] = utf8(repr(value))
    except:
        kind, error = system.exc_info()[:2]
        found['error'] = utf8(kind.__name__)
        found['message'] = words(error)
    found['printed'] = b''.join([utf8(part) for part in out.parts])


def finish():
    run(globals(), modules['sys'])
