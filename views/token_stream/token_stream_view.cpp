#include "views/token_stream/token_stream_view.h"

#include <algorithm>

#include <QApplication>
#include <QClipboard>
#include <QScrollBar>

#include "views/token_stream/token_layout.h"
#include "views/token_stream/token_navigation.h"
#include "views/token_stream/token_pieces.h"
#include "views/token_stream/token_stream_accessible.h"

namespace quibble {

TokenStreamView::TokenStreamView(RunDocument* document, QWidget* parent)
    : QAbstractScrollArea(parent),
      document_(document),
      pieces_(std::make_unique<TokenPieces>()),
      layout_(std::make_unique<TokenLayout>()) {
    installTokenStreamAccessibility();
    setFrameShape(QFrame::NoFrame);
    setFocusPolicy(Qt::StrongFocus);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setAccessibleName(tr("Token stream"));
    viewport()->setMouseTracking(true);
    viewport()->setCursor(Qt::IBeamCursor);
    viewport()->setAutoFillBackground(false);
    connect(document_, &RunDocument::reset, this, &TokenStreamView::onReset);
    connect(document_, &RunDocument::applied, this, [this] { onApplied(); });
    for (const auto signal : {&RunDocument::measureChanged, &RunDocument::unitChanged, &RunDocument::scaleChanged}) {
        connect(document_, signal, viewport(), [this] { viewport()->update(); });
    }
    connect(document_, &RunDocument::stateChanged, viewport(), [this] { viewport()->update(); });
    connect(document_, &RunDocument::referenceAdvanced, this, [this] {
        if (document_->measure() == Measure::Kl) viewport()->update();
    });
    connect(document_, &RunDocument::hoveredChanged, this, [this] { viewport()->update(); });
    connect(document_, &RunDocument::selectionChanged, this, [this] {
        const int current = document_->current();
        if (current >= 0 && !scrolled_by_mouse_) scrollToToken(current);
        updateDescription();
        viewport()->update();
    });
    connect(&Theme::instance(), &Theme::changed, this, &TokenStreamView::relayout);
    connect(verticalScrollBar(), &QScrollBar::valueChanged, this, [this](int value) {
        // Whoever moves the bar decides: at the end we follow, elsewhere we stay.
        if (!moving_scroll_bar_) setFollowTail(value >= verticalScrollBar()->maximum());
    });
    onReset();
}

TokenStreamView::~TokenStreamView() = default;

void TokenStreamView::onReset() {
    pieces_->clear();
    layout_->clear();
    hits_.clear();
    find_current_ = -1;
    anchor_ = -1;
    thinking_note_.clear();
    answer_note_.clear();
    pieces_->update(document_->trace());
    setFollowTail(true);
    relayout();
    if (!find_text_.isEmpty()) searchFrom(0);
}

void TokenStreamView::onApplied() {
    const qsizetype old_length = pieces_->text().size();
    const int changed = pieces_->update(document_->trace());
    layout_->update(*pieces_, document_->trace(), changed);
    updateScrollBar();
    if (!find_text_.isEmpty()) searchFrom(std::min(old_length, pieces_->begin(changed)) - find_text_.size() + 1);
    viewport()->update();
    announceTokens(this, old_length);
}

void TokenStreamView::relayout() {
    const Theme& theme = Theme::instance();
    TokenLayout::Metrics metrics;
    metrics.font = theme.monoFont();
    const QFontMetrics font(metrics.font);
    margin_ = theme.em(0.75);
    metrics.width = std::max(viewport()->width() - 2 * margin_, font.averageCharWidth() * 8);
    metrics.line_height = font.height() * 3 / 2;
    metrics.heading_height = theme.em(1.8);
    metrics.section_padding = theme.em(0.55);
    metrics.invisibles = show_invisibles_;
    // The line at the top stays at the top when the width changes.
    const int top_line = layout_->lineAtY(verticalScrollBar()->value());
    const int top_token = top_line < 0 || follow_tail_ ? -1 : layout_->line(top_line).token;
    layout_->setMetrics(metrics);
    layout_->update(*pieces_, document_->trace(), 0);
    updateScrollBar();
    if (top_token >= 0 && top_token < pieces_->size()) {
        moving_scroll_bar_ = true;
        verticalScrollBar()->setValue(layout_->line(layout_->lineOfToken(top_token)).top);
        moving_scroll_bar_ = false;
    }
    updateDescription();
    viewport()->update();
}

void TokenStreamView::updateScrollBar() {
    moving_scroll_bar_ = true;
    QScrollBar* bar = verticalScrollBar();
    bar->setRange(0, std::max(0, layout_->height() - viewport()->height()));
    bar->setPageStep(viewport()->height());
    bar->setSingleStep(layout_->metrics().line_height);
    if (follow_tail_) bar->setValue(bar->maximum());
    moving_scroll_bar_ = false;
}

void TokenStreamView::setFollowTail(bool follow) {
    if (follow) {
        moving_scroll_bar_ = true;
        verticalScrollBar()->setValue(verticalScrollBar()->maximum());
        moving_scroll_bar_ = false;
    }
    if (follow == follow_tail_) return;
    follow_tail_ = follow;
    emit followTailChanged(follow);
}

void TokenStreamView::setShowOrigins(bool show) {
    if (show == show_origins_) return;
    show_origins_ = show;
    viewport()->update();
    emit originsChanged(show);
}

void TokenStreamView::setShowInvisibles(bool show) {
    if (show == show_invisibles_) return;
    show_invisibles_ = show;
    relayout();
    emit invisiblesChanged(show);
}

void TokenStreamView::setSectionNotes(const QString& thinking, const QString& answer) {
    if (thinking == thinking_note_ && answer == answer_note_) return;
    thinking_note_ = thinking;
    answer_note_ = answer;
    viewport()->update();
}

void TokenStreamView::scrollToToken(int index) {
    const int line = layout_->lineOfToken(index);
    if (line < 0) return;
    const int top = layout_->line(line).top;
    const int sticky = layout_->metrics().heading_height;  // the heading that stays above covers this much
    QScrollBar* bar = verticalScrollBar();
    if (top - sticky < bar->value())
        bar->setValue(top - sticky - layout_->metrics().section_padding);
    else if (top + layout_->lineHeight(line) > bar->value() + viewport()->height()) {
        bar->setValue(top + layout_->lineHeight(line) + layout_->metrics().section_padding - viewport()->height());
    }
}

int TokenStreamView::tokenAt(const QPoint& viewport_point) const {
    const int y = viewport_point.y() + verticalScrollBar()->value();
    const int line = layout_->lineAtY(y);
    if (line < 0) return -1;
    if (layout_->line(line).heading || y >= layout_->line(line).top + layout_->lineHeight(line)) return -1;
    std::vector<TokenLayout::Run> runs;
    layout_->runsOfLine(*pieces_, line, runs);
    const auto x = static_cast<float>(viewport_point.x() - margin_);
    for (const TokenLayout::Run& run : runs) {
        if (x >= run.x && x < run.x + run.width) return run.token;
    }
    return -1;
}

int TokenStreamView::nearestToken(const QPoint& viewport_point) const {
    if (pieces_->size() == 0) return -1;
    int line = layout_->lineAtY(viewport_point.y() + verticalScrollBar()->value());
    if (layout_->line(line).heading && line + 1 < layout_->lineCount()) ++line;
    std::vector<TokenLayout::Run> runs;
    layout_->runsOfLine(*pieces_, line, runs);
    if (runs.empty()) return std::min(layout_->line(line).token, pieces_->size() - 1);
    const auto x = static_cast<float>(viewport_point.x() - margin_);
    for (const TokenLayout::Run& run : runs) {
        if (x < run.x + run.width) return run.token;
    }
    return runs.back().token;
}

QRect TokenStreamView::tokenRect(int index) const {
    const int line = layout_->lineOfToken(index);
    if (line < 0 || index >= pieces_->size()) return {};
    std::vector<TokenLayout::Run> runs;
    layout_->runsOfLine(*pieces_, line, runs);
    for (const TokenLayout::Run& run : runs) {
        if (run.token == index) {
            return QRectF(static_cast<double>(run.x) + margin_, layout_->line(line).top - verticalScrollBar()->value(),
                          static_cast<double>(run.width), layout_->lineHeight(line))
                .toAlignedRect();
        }
    }
    return {};
}

void TokenStreamView::setFindText(const QString& text, Qt::CaseSensitivity sensitivity) {
    if (text == find_text_ && sensitivity == find_sensitivity_) return;
    find_text_ = text;
    find_sensitivity_ = sensitivity;
    find_current_ = -1;
    hits_.clear();
    searchFrom(0);
    viewport()->update();
}

void TokenStreamView::searchFrom(qsizetype offset) {
    offset = std::max<qsizetype>(offset, 0);
    while (!hits_.empty() && hits_.back().end > offset) {
        offset = std::min(offset, hits_.back().begin);
        hits_.pop_back();
    }
    if (!find_text_.isEmpty()) {
        const QString& text = pieces_->text();
        for (qsizetype at = text.indexOf(find_text_, offset, find_sensitivity_); at >= 0;
             at = text.indexOf(find_text_, at + find_text_.size(), find_sensitivity_)) {
            hits_.push_back({at, at + find_text_.size()});
        }
    }
    if (find_current_ >= findCount()) find_current_ = -1;
    emit findChanged();
}

int TokenStreamView::findCount() const { return static_cast<int>(hits_.size()); }

void TokenStreamView::findNext(bool backwards) {
    if (hits_.empty()) return;
    if (find_current_ < 0) {
        // From the token with the focus, or from the top of what is seen.
        const qsizetype from = document_->current() >= 0 ? pieces_->begin(document_->current()) : 0;
        const auto after = std::lower_bound(hits_.begin(), hits_.end(), from,
                                            [](const FindHit& hit, qsizetype at) { return hit.begin < at; });
        find_current_ = static_cast<int>(after - hits_.begin()) - (backwards ? 1 : 0);
    } else {
        find_current_ += backwards ? -1 : 1;
    }
    find_current_ = (find_current_ + findCount()) % findCount();
    const FindHit& hit = hits_[static_cast<std::size_t>(find_current_)];
    const int first = pieces_->tokenOfChar(hit.begin);
    document_->setSelection({first, pieces_->tokenOfChar(hit.end - 1) + 1}, first);
    emit findChanged();
}

QString TokenStreamView::selectedText() const {
    const TokenRange range = document_->selection();
    return range.empty() ? QString()
                         : pieces_->text().mid(pieces_->begin(range.begin),
                                               pieces_->begin(range.end) - pieces_->begin(range.begin));
}

static QString cNumber(float value) {
    return std::isnan(value) ? QString() : QString::number(static_cast<double>(value), 'g', 9);
}

QString TokenStreamView::selectedTable() const {
    QString out = QStringLiteral(
        "token\tpos\tid\ttext\tentropy_nat\tvarentropy_nat2\tkl_nat\tlogprob_nat\trank\tmarker_mass\tmarks\n");
    const TokenRange range = document_->selection();
    for (int i = range.begin; i < range.end; ++i) {
        const TracePoint& point = document_->trace().points()[static_cast<std::size_t>(i)];
        const TokenRecord& token = point.token;
        QString text = pieces_->textOf(i).toString();
        text.replace(QLatin1Char('\\'), QStringLiteral("\\\\")).replace(QLatin1Char('\n'), QStringLiteral("\\n"));
        text.replace(QLatin1Char('\t'), QStringLiteral("\\t")).replace(QLatin1Char('\r'), QStringLiteral("\\r"));
        QStringList marks;
        if (token.marker) marks << QStringLiteral("marker");
        if (token.injected) marks << QStringLiteral("injected");
        if (token.intervened()) marks << QStringLiteral("intervened");
        const QStringList row{QString::number(i),
                              QString::number(token.pos),
                              QString::number(token.id),
                              text,
                              cNumber(token.entropy),
                              cNumber(token.varentropy),
                              point.hasReference() ? cNumber(point.reference.kl) : QString(),
                              cNumber(token.logprob),
                              QString::number(token.rank),
                              cNumber(token.marker_mass),
                              marks.join(QLatin1Char(' '))};
        out += row.join(QLatin1Char('\t')) + QLatin1Char('\n');
    }
    return out;
}

void TokenStreamView::copyText() {
    if (!document_->selection().empty()) QApplication::clipboard()->setText(selectedText());
}

void TokenStreamView::copyTable() {
    if (!document_->selection().empty()) QApplication::clipboard()->setText(selectedTable());
}

void TokenStreamView::selectAllTokens() {
    document_->setSelection({0, pieces_->size()}, std::max(0, document_->current()));
}

void TokenStreamView::selectNextMarker(bool backwards) {
    if (const int index = nextMarker(document_->trace(), document_->current(), backwards); index >= 0)
        moveCurrent(index, false);
}

void TokenStreamView::selectNextUncertain(bool backwards) {
    if (const int index = nextUncertain(document_->trace(), document_->current(), backwards); index >= 0)
        moveCurrent(index, false);
}

void TokenStreamView::selectNextIntervention(bool backwards) {
    if (const int index = nextIntervention(document_->trace(), document_->current(), backwards); index >= 0)
        moveCurrent(index, false);
}

void TokenStreamView::updateDescription() {
    const int current = document_->current();
    QString text = tr("%n tokens", nullptr, pieces_->size());
    if (current >= 0) {
        const TracePoint& point = document_->trace().points()[static_cast<std::size_t>(current)];
        text += tr("; token %1 “%2”, entropy %3, KL %4")
                    .arg(current)
                    .arg(document_->tokenLabel(point.token.id), measureText(point, Measure::Entropy, document_->unit()),
                         measureText(point, Measure::Kl, document_->unit()));
    }
    setAccessibleDescription(text);
}

}  // namespace quibble
