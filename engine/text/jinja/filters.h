// Filters of lists and mappings, for the table in filters.cpp.
#pragma once

#include "engine/text/jinja/machine.h"

namespace quibble::jinja::filters {

Value batch(const Call& call);
Value choose(const Call& call);  // select, reject, selectattr, rejectattr
Value dictsort(const Call& call);
Value extreme(const Call& call);  // min, max
Value firstOrLast(const Call& call);
Value items(const Call& call);
Value join(const Call& call);
Value map(const Call& call);
Value reverse(const Call& call);
Value sort(const Call& call);
Value sum(const Call& call);
Value unique(const Call& call);

}  // namespace quibble::jinja::filters
