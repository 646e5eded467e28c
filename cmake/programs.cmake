# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0

# Install Python programs that start with the interpreter of this build.
#
# As the scripts of an ament_python package do: with ROS 2 from PyPI the right interpreter is the
# one of the virtual environment, also where its bin/ is not on PATH.
function(install_programs)
  cmake_parse_arguments(arg "" "DESTINATION" "PROGRAMS" ${ARGN})
  foreach(program IN LISTS arg_PROGRAMS)
    file(READ ${program} text)
    string(REGEX REPLACE "^#![^\n]*" "#!${Python3_EXECUTABLE}" text "${text}")
    set(configured ${CMAKE_CURRENT_BINARY_DIR}/${program})
    file(WRITE ${configured} "${text}")
    file(CHMOD ${configured} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
      GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
    install(PROGRAMS ${configured} DESTINATION ${arg_DESTINATION})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${program})
  endforeach()
endfunction()
