# Code that runs anywhere: compiled without libc, linked to one flat section.
# The compiler is called by hand: no flag of the project (sanitizers,
# coverage, fortification) may find its way in.
set(RS_FLAT_FLAGS -std=c11 -O2 -Wall -Wextra -Wshadow -ffreestanding -fPIC
  -fvisibility=hidden -fno-stack-protector -fcf-protection=none
  -fno-asynchronous-unwind-tables -fno-builtin -D_GNU_SOURCE -U_FORTIFY_SOURCE)
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
  list(APPEND RS_FLAT_FLAGS -fno-tree-loop-distribute-patterns)
endif()
set(RS_FLAT_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/flat.lds)

# Makes NAME.elf (for those who want to look) and NAME.bin in the current
# binary directory, out of the sources; DEPENDS also names their headers.
function(rs_add_flat name)
  cmake_parse_arguments(FLAT "" "" "SOURCES;HEADERS" ${ARGN})
  set(elf ${CMAKE_CURRENT_BINARY_DIR}/${name}.elf)
  set(bin ${CMAKE_CURRENT_BINARY_DIR}/${name}.bin)
  add_custom_command(OUTPUT ${elf} ${bin}
    COMMAND ${CMAKE_C_COMPILER} ${RS_FLAT_FLAGS}
      -I${PROJECT_SOURCE_DIR}/helper -I${PROJECT_SOURCE_DIR}/include
      -nostdlib -shared -Wl,-Bsymbolic,-z,defs,-z,noexecstack,-z,norelro
      -Wl,--build-id=none,-T,${RS_FLAT_SCRIPT}
      -o ${elf} ${FLAT_SOURCES}
    COMMAND ${CMAKE_OBJCOPY} -O binary -j .flat ${elf} ${bin}
    DEPENDS ${FLAT_SOURCES} ${FLAT_HEADERS} ${RS_FLAT_SCRIPT}
    COMMENT "Linking flat code ${name}" VERBATIM)
endfunction()
