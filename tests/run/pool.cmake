# The tests of all builds as one list, so that one ctest keeps every core busy with them. ctest itself reads this (not
# cmake), through a CTestTestfile.cmake that sets `build` (where the presets are built), `entries` (NAME=PRESET) and
# `timed`. Each test gets NAME/ in front of its name, and tests/run/timed.sh around its command.
#
# ctest counts in half cores here: an ordinary test takes two of them, one with the label `waits` takes one.

function(add_test name)
    set(i 1)
    set(words "[==[${counted_as}/${name}]==] [==[${timed}]==] [==[${counted_as}/${name}]==]")
    while(i LESS ARGC)
        string(APPEND words " [==[${ARGV${i}}]==]") # quoted: what has a `;` inside stays one argument
        math(EXPR i "${i} + 1")
    endwhile()
    cmake_language(EVAL CODE "_add_test(${words})")
endfunction()

function(set_tests_properties name)
    set(i 1)
    set(words "[==[${counted_as}/${name}]==]")
    while(i LESS ARGC)
        string(APPEND words " [==[${ARGV${i}}]==]")
        math(EXPR i "${i} + 1")
    endwhile()
    cmake_language(EVAL CODE "_set_tests_properties(${words})")
    if(words MATCHES "LABELS.*waits")
        set(half_cores 1)
    else()
        set(half_cores 2)
    endif()
    _set_tests_properties("${counted_as}/${name}" PROPERTIES PROCESSORS ${half_cores})
endfunction()

foreach(entry ${entries})
    string(REPLACE "=" ";" entry "${entry}")
    list(GET entry 0 counted_as)
    list(GET entry 1 preset)
    subdirs("${build}/${preset}")
endforeach()
