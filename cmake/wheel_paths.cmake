# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Build against ROS 2 from PyPI with nothing sourced. With a ROS 2 from apt nothing here applies.
#
# The wheels unpack into the virtual environment as an ament prefix, with three rough edges:
# - AMENT_PREFIX_PATH is not set, or names workspaces alone, so that rosidl finds no generators. The
#   prefix is known once ament_cmake is found.
# - The exported targets name the include directory of the Python that built the wheel
#   (/opt/python/cp311-cp311/include/...). CMake refuses a directory that does not exist.
# - A virtual environment inside the source tree puts numpy's headers there. CMake refuses to export
#   a target that names a directory of the source tree.

function(use_prefix_of_ament_cmake)
  # <prefix>/share/ament_cmake/cmake
  get_filename_component(prefix "${ament_cmake_DIR}/../../.." ABSOLUTE)
  string(REPLACE ":" ";" prefixes "$ENV{AMENT_PREFIX_PATH}")
  foreach(known IN LISTS prefixes)
    get_filename_component(known "${known}" ABSOLUTE)
    if(EXISTS "${known}/share/ament_index/resource_index/packages/ament_cmake")
      return()
    endif()
  endforeach()
  list(APPEND prefixes "${prefix}")
  list(JOIN prefixes ":" prefixes)
  set(ENV{AMENT_PREFIX_PATH} "${prefixes}")
  message(STATUS "AMENT_PREFIX_PATH had no ament_cmake, adding ${prefix}")
endfunction()

function(drop_missing_wheel_includes)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT directories)
      continue()
    endif()
    set(kept "")
    foreach(directory IN LISTS directories)
      if(EXISTS "${directory}" OR NOT directory MATCHES "^/opt/python/")
        list(APPEND kept "${directory}")
      endif()
    endforeach()
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${kept}")
  endforeach()
endfunction()

function(keep_source_tree_out_of_exports)
  set(target ${PROJECT_NAME}__rosidl_generator_py)
  get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
  set(kept "")
  foreach(directory IN LISTS directories)
    cmake_path(IS_PREFIX CMAKE_CURRENT_SOURCE_DIR "${directory}" inside)
    if(inside)
      set(directory "$<BUILD_INTERFACE:${directory}>")
    endif()
    list(APPEND kept "${directory}")
  endforeach()
  set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${kept}")
endfunction()

use_prefix_of_ament_cmake()
# Deferred: the targets come with the find_package and rosidl calls that follow.
cmake_language(DEFER CALL drop_missing_wheel_includes)
cmake_language(DEFER CALL keep_source_tree_out_of_exports)
