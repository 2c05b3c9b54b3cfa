# Called at build time: writes OUT, a C++ file with every step of the schema, from FILES (NNNN_name.sql, ordered by number).
set(entries "")
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME)
  string(REGEX MATCH "^[0-9]+" number "${name}")
  math(EXPR version "${number} + 0" OUTPUT_FORMAT DECIMAL)
  file(READ "${file}" sql)
  string(APPEND entries "    {${version}, R\"quibble_sql(${sql})quibble_sql\"},\n")
endforeach()
file(WRITE "${OUT}.new"
"#include \"data/schema/schema.h\"

namespace quibble {

namespace {

constexpr Migration kMigrations[] = {
${entries}};

}  // namespace

std::span<const Migration> schemaMigrations() { return kMigrations; }

}  // namespace quibble
")
execute_process(COMMAND ${CMAKE_COMMAND} -E copy_if_different "${OUT}.new" "${OUT}")
