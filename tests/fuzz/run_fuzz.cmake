# Runs one target for SECONDS, with inputs of at most LONGEST bytes, on a writable copy of the seeds, with its dictionary if it has one; fails on a crash, a sanitizer report, a leak or a hang.
# A failing input is kept in WORK as crash-*, timeout-* or oom-*; run the target with its path to see it again.
if(NOT LONGEST)
  set(LONGEST 24576)
endif()
file(MAKE_DIRECTORY ${WORK}/corpus)
set(dictionary)
if(EXISTS ${DICTIONARIES})
  set(dictionary -dict=${DICTIONARIES})
endif()
execute_process(
  COMMAND ${TARGET} ${dictionary} -max_total_time=${SECONDS} -timeout=20 -rss_limit_mb=2048 -max_len=${LONGEST} -print_final_stats=1 -artifact_prefix=${WORK}/ ${WORK}/corpus ${SEEDS}
  RESULT_VARIABLE status ERROR_VARIABLE log)
string(REGEX MATCHALL "stat::[^\n]*" statistics "${log}")
foreach(line ${statistics})
  message(STATUS ${line})
endforeach()
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${TARGET} failed (${status}):\n${log}")
endif()
