set(RS_NATIVE_SOURCES
  native/answers.c native/ask.c native/objects.c native/open.c native/overlay.c
  native/read.c native/resolve.c native/roots.c native/text.c native/types.c)
