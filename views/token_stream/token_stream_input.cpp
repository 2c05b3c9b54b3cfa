// Mouse, keys, context menu and tool tips of the stream.
#include <algorithm>

#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QMenu>
#include <QScrollBar>
#include <QToolTip>

#include "views/speculation/draft_text.h"
#include "views/text_shaping.h"
#include "views/theme.h"
#include "views/token_stream/token_layout.h"
#include "views/token_stream/token_navigation.h"
#include "views/token_stream/token_pieces.h"
#include "views/token_stream/token_stream_view.h"

namespace quibble {

void TokenStreamView::resizeEvent(QResizeEvent*) {
    const int width = std::max(viewport()->width() - 2 * margin_, 1);
    if (width != layout_->metrics().width)
        relayout();
    else
        updateScrollBar();
}

void TokenStreamView::scrollContentsBy(int, int) { viewport()->update(); }

void TokenStreamView::changeEvent(QEvent* event) {
    if (event->type() == QEvent::PaletteChange) viewport()->update();
    QAbstractScrollArea::changeEvent(event);
}

void TokenStreamView::focusInEvent(QFocusEvent* event) {
    QAbstractScrollArea::focusInEvent(event);
    viewport()->update();
}

void TokenStreamView::focusOutEvent(QFocusEvent* event) {
    QAbstractScrollArea::focusOutEvent(event);
    viewport()->update();
}

void TokenStreamView::leaveEvent(QEvent* event) {
    document_->setHovered(-1);
    QAbstractScrollArea::leaveEvent(event);
}

void TokenStreamView::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return;
    const int token = event->modifiers() & Qt::ShiftModifier ? nearestToken(event->pos()) : tokenAt(event->pos());
    scrolled_by_mouse_ = true;
    if (token < 0) {
        document_->clearSelection();
        anchor_ = nearestToken(event->pos());
    } else if (event->modifiers() & Qt::ShiftModifier && anchor_ >= 0) {
        moveCurrent(token, true);
    } else {
        anchor_ = token;
        document_->selectToken(token);
    }
    scrolled_by_mouse_ = false;
}

void TokenStreamView::mouseMoveEvent(QMouseEvent* event) {
    if (!(event->buttons() & Qt::LeftButton) || anchor_ < 0) {
        document_->setHovered(tokenAt(event->pos()));
        return;
    }
    // Dragged past an edge: scroll, the faster the farther.
    QScrollBar* bar = verticalScrollBar();
    if (event->pos().y() < 0) bar->setValue(bar->value() + event->pos().y() / 2 - 1);
    if (event->pos().y() >= viewport()->height())
        bar->setValue(bar->value() + (event->pos().y() - viewport()->height()) / 2 + 1);
    const int token = nearestToken(event->pos());
    if (token < 0) return;
    scrolled_by_mouse_ = true;
    document_->setSelection({std::min(anchor_, token), std::max(anchor_, token) + 1}, token);
    scrolled_by_mouse_ = false;
}

void TokenStreamView::mouseReleaseEvent(QMouseEvent* event) { Q_UNUSED(event); }

void TokenStreamView::mouseDoubleClickEvent(QMouseEvent* event) {
    if (const int token = tokenAt(event->pos()); token >= 0 && event->button() == Qt::LeftButton)
        emit inspectRequested(token);
}

void TokenStreamView::moveCurrent(int index, bool extend) {
    if (pieces_->size() == 0) return;
    index = std::clamp(index, 0, pieces_->size() - 1);
    if (!extend) {
        anchor_ = index;
        document_->selectToken(index);
        return;
    }
    if (anchor_ < 0) anchor_ = std::max(0, document_->current());
    document_->setSelection({std::min(anchor_, index), std::max(anchor_, index) + 1}, index);
}

int TokenStreamView::tokenAbove(int index, int lines) const {
    const int line = layout_->lineOfToken(std::max(0, index));
    if (line < 0) return -1;
    const QRect rect = tokenRect(std::max(0, index));
    int target = line;
    for (int left = std::abs(lines), step = lines > 0 ? -1 : 1; left > 0; --left) {
        int next = target + step;
        while (next >= 0 && next < layout_->lineCount() && layout_->line(next).heading) next += step;
        if (next < 0 || next >= layout_->lineCount()) break;
        target = next;
    }
    const int y = layout_->line(target).top + layout_->lineHeight(target) / 2 - verticalScrollBar()->value();
    return nearestToken(QPoint(rect.center().x(), y));
}

void TokenStreamView::keyPressEvent(QKeyEvent* event) {
    const bool control = event->modifiers() & Qt::ControlModifier;
    const bool shift = event->modifiers() & Qt::ShiftModifier;
    const int current = document_->current();
    const int page = std::max(1, viewport()->height() / std::max(1, layout_->metrics().line_height) - 2);
    if (event->matches(QKeySequence::Copy)) return copyText();
    if (event->matches(QKeySequence::SelectAll)) return selectAllTokens();
    if (event->matches(QKeySequence::Find)) return emit findRequested();
    if (event->matches(QKeySequence::FindNext)) return findNext();
    if (event->matches(QKeySequence::FindPrevious)) return findNext(true);
    switch (event->key()) {
        case Qt::Key_Left: return moveCurrent(control ? nextSentence(*pieces_, current, true) : current - 1, shift);
        case Qt::Key_Right: return moveCurrent(control ? nextSentence(*pieces_, current, false) : current + 1, shift);
        case Qt::Key_Up: return moveCurrent(tokenAbove(current, 1), shift);
        case Qt::Key_Down: return moveCurrent(tokenAbove(current, -1), shift);
        case Qt::Key_PageUp: return moveCurrent(tokenAbove(current, page), shift);
        case Qt::Key_PageDown: return moveCurrent(tokenAbove(current, -page), shift);
        case Qt::Key_Home: return moveCurrent(0, shift);
        case Qt::Key_End: {
            moveCurrent(pieces_->size() - 1, shift);
            return setFollowTail(true);
        }
        case Qt::Key_Return:
        case Qt::Key_Enter:
            if (current >= 0) emit inspectRequested(current);
            return;
        case Qt::Key_Escape:
            if (current < 0) break;  // let a dialog or the window have it
            return document_->clearSelection();
        case Qt::Key_C:
            if (control && shift) return copyTable();
            break;
        case Qt::Key_N:
            if (!control) return selectNextMarker(shift);
            break;
        case Qt::Key_P:
            if (!control) return selectNextMarker(true);
            break;
        case Qt::Key_U:
            if (!control) return selectNextUncertain(shift);
            break;
        case Qt::Key_I:
            if (!control) return selectNextIntervention(shift);
            break;
        default: break;
    }
    QAbstractScrollArea::keyPressEvent(event);
}

void TokenStreamView::contextMenuEvent(QContextMenuEvent* event) {
    const bool by_mouse = event->reason() == QContextMenuEvent::Mouse;
    const int token = by_mouse ? tokenAt(viewport()->mapFrom(this, event->pos())) : document_->current();
    if (token >= 0 && !document_->selection().contains(token)) moveCurrent(token, false);
    QMenu menu(this);
    QAction* copy = menu.addAction(tr("Copy"), this, &TokenStreamView::copyText);
    copy->setShortcut(QKeySequence::Copy);
    QAction* numbers = menu.addAction(tr("Copy with numbers"), this, &TokenStreamView::copyTable);
    numbers->setShortcut(QKeySequence(QStringLiteral("Ctrl+Shift+C")));
    copy->setEnabled(!document_->selection().empty());
    numbers->setEnabled(!document_->selection().empty());
    menu.addAction(tr("Select all"), this, &TokenStreamView::selectAllTokens);
    menu.addSeparator();
    QAction* inspect = menu.addAction(tr("Inspect token"), this, [this, token] { emit inspectRequested(token); });
    QAction* branch = menu.addAction(tr("Branch here…"), this, [this, token] {
        emit branchHereRequested(document_->trace().points()[static_cast<std::size_t>(token)].token.pos);
    });
    inspect->setEnabled(token >= 0);
    branch->setEnabled(token >= 0);
    menu.addSeparator();
    QMenu* colour = menu.addMenu(tr("Colour by"));
    for (const Measure measure : kMeasures) {
        QAction* action =
            colour->addAction(measureLabel(measure), this, [this, measure] { document_->setMeasure(measure); });
        action->setCheckable(true);
        action->setChecked(measure == document_->measure());
    }
    QAction* invisibles = menu.addAction(tr("Show blanks and line ends"), this, &TokenStreamView::setShowInvisibles);
    invisibles->setCheckable(true);
    invisibles->setChecked(show_invisibles_);
    menu.addAction(tr("Find…"), this, &TokenStreamView::findRequested)->setShortcut(QKeySequence::Find);
    const QPoint at =
        by_mouse || token < 0 ? event->globalPos() : viewport()->mapToGlobal(tokenRect(token).bottomLeft());
    menu.exec(at);
}

bool TokenStreamView::viewportEvent(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        showTokenTip(help->pos(), help->globalPos());
        return true;
    }
    if (event->type() == QEvent::Leave) document_->setHovered(-1);
    return QAbstractScrollArea::viewportEvent(event);
}

QString TokenStreamView::tipOf(int token) const {
    const TracePoint& point = document_->trace().points()[static_cast<std::size_t>(token)];
    const Unit unit = document_->unit();
    const auto row = [](const QString& name, const QString& value) {
        return QStringLiteral("<tr><td>%1&nbsp;&nbsp;</td><td align=right>%2</td></tr>").arg(name, value);
    };
    const auto figure = [&](Measure measure) {
        return row(measureLabel(measure),
                   measureText(point, measure, unit) + QLatin1Char(' ') + measureUnit(measure, unit));
    };
    QString text = QStringLiteral("<b>%1</b>")
                       .arg(tr("Token %1 “%2”").arg(token).arg(document_->tokenLabel(point.token.id).toHtmlEscaped()));
    text += QStringLiteral("<table>");
    text += row(tr("position, id"), QStringLiteral("%1, %2").arg(point.token.pos).arg(point.token.id));
    for (const Measure measure :
         {Measure::Entropy, Measure::Kl, Measure::Varentropy, Measure::Logprob, Measure::Rank, Measure::MarkerMass}) {
        if (measure != Measure::Kl || document_->hasReference()) text += figure(measure);
    }
    text += QStringLiteral("</table>");
    if (document_->trace().roundAt(point.token.pos) != nullptr)
        text += tokenOriginLabel(document_->trace().originAt(point.token.pos)) + QStringLiteral("<br>");
    if (point.token.injected) text += tr("Injected: put here, not sampled.");
    if (point.token.intervened()) {
        text += tr("Without the penalty the same noise gives “%1”.")
                    .arg(document_->tokenLabel(point.token.without_penalty_id).toHtmlEscaped());
    }
    return text;
}

void TokenStreamView::showTokenTip(const QPoint& viewport_point, const QPoint& global) {
    const int token = tokenAt(viewport_point);
    if (token < 0) return QToolTip::hideText();
    const QString tip = tipOf(token);
    QToolTip::setFont(asItIs(Theme::instance().uiFont(), tip));
    QToolTip::showText(global, tip, viewport(), tokenRect(token));
}

}  // namespace quibble
