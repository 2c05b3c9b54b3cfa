// The stream for screen readers: a read-only text with a caret (the current token) and a selection.
#pragma once

#include <QtGlobal>

namespace quibble {

class TokenStreamView;

/// Registers the interface with Qt; any number of times.
void installTokenStreamAccessibility();
/// Tells assistive technology that text was appended behind `old_length` characters. Cheap when none is listening.
void announceTokens(TokenStreamView* view, qsizetype old_length);

}  // namespace quibble
