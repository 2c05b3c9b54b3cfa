// Python's "text % values", which the filter "format" and the operator "%" share: "%s", "%-5d", "%(name)s", "%.2f" and
// the rest of printf.
#pragma once

#include <cstddef>
#include <string_view>

#include "engine/text/jinja/machine.h"

namespace quibble::jinja {

/// `values`: a tuple gives its items one after the other. Any other value is the only one; a mapping also gives its
/// entries to "%(name)s". Refused, as in Python: too few or too many values, a conversion that does not exist, and a
/// value that the conversion does not take. Unlike in Python, whole numbers have 64 bits, and a width or a precision
/// has a limit.
Value formatPercent(Machine& machine, std::size_t offset, std::string_view text, const Value& values);

}  // namespace quibble::jinja
