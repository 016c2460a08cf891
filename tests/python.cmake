# The Python that runs the tests, and the interpreters that they look at.

# One that has jsonschema, which the distribution packages for its own.
if(NOT RS_TEST_PYTHON)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set(found ${Python3_EXECUTABLE})
  foreach(python ${Python3_EXECUTABLE} /usr/bin/python3)
    execute_process(COMMAND ${python} -c "import jsonschema"
      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(NOT failed)
      set(found ${python})
      break()
    endif()
  endforeach()
  set(RS_TEST_PYTHON ${found} CACHE FILEPATH "Python that runs the tests")
endif()
set(Python3_EXECUTABLE ${RS_TEST_PYTHON})

# Looked for again whenever CMake runs: .ci/test has it run first.
set(RS_INTERPRETERS_FILE ${CMAKE_CURRENT_BINARY_DIR}/interpreters.json)
set(RS_INTERPRETERS_PY ${CMAKE_CURRENT_SOURCE_DIR}/support/interpreters.py)
execute_process(
  COMMAND ${RS_TEST_PYTHON} -B ${RS_INTERPRETERS_PY} ${RS_INTERPRETERS_FILE}
  OUTPUT_VARIABLE found COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" found "${found}")
set(RS_INTERPRETERS)
foreach(line IN LISTS found)
  string(REGEX MATCH "^([^ ]+) (.*)$" _ "${line}")
  set(name ${CMAKE_MATCH_1})
  set(path ${CMAKE_MATCH_2})
  if(name STREQUAL "-")
    # A wanted release that is not here: a skipped test, which is said.
    string(REGEX REPLACE "[.-]" "_" name "${path}")
    set(words --missing ${path})
  elseif(name STREQUAL "!")
    string(REGEX REPLACE "[^A-Za-z0-9]+" "_" name "does_not_start${path}")
    set(words --check ${path})
  else()
    list(APPEND RS_INTERPRETERS ${name})
    set(words --check ${path})
  endif()
  add_test(NAME interpreter.${name} COMMAND ${RS_TEST_PYTHON} -B
    ${RS_INTERPRETERS_PY} ${words})
  set_tests_properties(interpreter.${name} PROPERTIES LABELS interpreter
    SKIP_RETURN_CODE 77 TIMEOUT 120)
endforeach()
