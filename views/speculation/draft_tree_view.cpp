#include "views/speculation/draft_tree_view.h"

#include <algorithm>
#include <cmath>

#include <QHBoxLayout>
#include <QLabel>
#include <QPaintEvent>
#include <QPainter>
#include <QVBoxLayout>

#include "views/run_document.h"
#include "views/speculation/draft_text.h"
#include "views/speculation/draft_tree_canvas.h"
#include "views/tables/plain_table_model.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

QVariant figure(float value) { return std::isnan(value) ? QVariant() : QVariant(static_cast<double>(value)); }

}  // namespace

DraftTreeView::DraftTreeView(RunDocument* document, QWidget* parent)
    : PaintedView(tr("Draft tree"), QStringLiteral("draft-tree"), parent),
      document_(document),
      layout_(layoutDraftTree({})),
      canvas_(new DraftTreeCanvas(this)),
      caption_(new ElidingLabel(this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(canvas_, 1);
    auto* foot = new QHBoxLayout;
    foot->addWidget(caption_);
    column->addLayout(foot);
    useFont(caption_, FontRole::Small);
    useTextColour(caption_, TextRole::Muted);
    const auto margins = [foot] {
        foot->setContentsMargins(Theme::instance().em(0.6), 0, Theme::instance().em(0.6), Theme::instance().em(0.3));
    };
    margins();
    connect(&Theme::instance(), &Theme::changed, this, margins);
    setFocusProxy(canvas_);
    connect(document_, &RunDocument::reset, this, &DraftTreeView::follow);
    connect(document_, &RunDocument::draftsAdvanced, this, &DraftTreeView::follow);
    connect(document_, &RunDocument::selectionChanged, this, &DraftTreeView::follow);
    connect(canvas_, &DraftTreeCanvas::cursorMoved, this, [this](int place) {
        if (const int token = tokenOf(place); token >= 0) document_->selectToken(token);
        updateCaption();
    });
    connect(canvas_, &DraftTreeCanvas::hoverChanged, this, &DraftTreeView::updateCaption);
    connect(canvas_, &DraftTreeCanvas::menuRequested, this, &DraftTreeView::showMenu);
    follow();
}

void DraftTreeView::follow() {
    const auto& rounds = document_->trace().draftRounds();
    int index = drafted(static_cast<int>(rounds.size()) - 1, -1);
    if (document_->current() >= 0) {
        const DraftRound* chosen = document_->trace().roundAt(document_->positionOf(document_->current()));
        index = chosen == nullptr ? -1 : static_cast<int>(chosen - rounds.data());
    }
    showRound(index);
}

void DraftTreeView::showRound(int index) {
    const DraftRound next =
        index < 0 ? DraftRound{} : document_->trace().draftRounds()[static_cast<std::size_t>(index)];
    const bool another = index != round_index_ || !(next.pos == round_.pos && next.nodes.size() == round_.nodes.size());
    if (another || index < 0) {
        round_ = next;
        round_index_ = index;
        layout_ = layoutDraftTree(round_);
    }
    int cursor = -1;
    for (int place = 0; place < static_cast<int>(layout_.places.size()) && document_->current() >= 0; ++place) {
        if (tokenOf(place) == document_->current()) cursor = place;
    }
    if (another)
        canvas_->reload(cursor);
    else
        canvas_->setCursorPlace(cursor >= 0 ? cursor : canvas_->cursor());
    setFigures(index < 0 ? document_->current() < 0 ? QString() : tr("this token was decoded without a draft")
                         : tr("round %1 of %2 · %3")
                               .arg(index + 1)
                               .arg(document_->trace().draftRounds().size())
                               .arg(draftRoundSummary(round_)));
    if (another) {
        updateTable();
        emit roundChanged();
    }
    updateCaption();
}

int DraftTreeView::tokenOf(int place) const {
    const DraftTreeLayout::Place& spot = layout_.places[static_cast<std::size_t>(place)];
    if (!spot.on_path || round_index_ < 0) return -1;
    return document_->indexAt(round_.pos + spot.column - 1);
}

QString DraftTreeView::sentenceOf(int place) const {
    const int node = layout_.places[static_cast<std::size_t>(place)].node;
    if (node == DraftTreeLayout::kText) return tr("The last token of the text before this round");
    return node < static_cast<int>(round_.nodes.size()) ? draftNodeSentence(*document_, round_, node)
                                                        : addedTokenSentence(*document_, round_);
}

QString DraftTreeView::explanation() const {
    const int place = canvas_->hovered() >= 0 ? canvas_->hovered() : canvas_->cursor();
    return place >= 0 && round_index_ >= 0 ? sentenceOf(place) : QString();
}

void DraftTreeView::updateCaption() {
    const QString about = explanation();
    const QString legend =
        tr("bar: the draft's probability, tick: the target's · ✓ accepted (draft → target) · ✕ rejected (accept "
           "probability ≤ draw) · ◆ the target's own · dashed: not tested");
    static_cast<ElidingLabel*>(caption_)->setFullText(round_index_ < 0 ? QString() : about.isEmpty() ? legend : about);
    canvas_->setAccessibleDescription(figures() + (about.isEmpty() ? QString() : QStringLiteral(". ") + about));
}

void DraftTreeView::updateTable() {
    std::vector<PlainTableModel::Row> table;
    for (int i = 0; i < static_cast<int>(round_.nodes.size()); ++i) {
        const DraftNode& node = round_.nodes[static_cast<std::size_t>(i)];
        const int depth = layout_.places[static_cast<std::size_t>(layout_.placeOf(i))].column;
        table.push_back({i, node.parent, depth, document_->tokenLabel(node.id), figure(node.draft_prob),
                         figure(node.target_prob), figure(node.accept_prob), figure(node.draw),
                         draftFateText(node.fate)});
    }
    if (round_.added != kNoToken) {
        const int depth = layout_.places.back().column;
        table.push_back({static_cast<int>(round_.nodes.size()),
                         round_.path.empty() ? -1 : round_.path.back(),
                         depth,
                         document_->tokenLabel(round_.added),
                         {},
                         {},
                         {},
                         {},
                         round_.corrected       ? tr("correction")
                         : round_.nodes.empty() ? tr("decoded")
                                                : tr("bonus")});
    }
    rows().setContent({tr("node"), tr("parent"), tr("depth"), tr("token"), tr("draft p"), tr("target p"),
                       tr("accept p"), tr("draw"), tr("fate")},
                      std::move(table));
}

// From `index` on in steps of `by`, the first round in which something was drafted; -1: none.
int DraftTreeView::drafted(int index, int by) const {
    const auto& rounds = document_->trace().draftRounds();
    while (index >= 0 && index < static_cast<int>(rounds.size()) &&
           rounds[static_cast<std::size_t>(index)].nodes.empty())
        index += by;
    return index < static_cast<int>(rounds.size()) ? index : -1;
}

void DraftTreeView::stepRound(int by) {
    const auto& rounds = document_->trace().draftRounds();
    const int to = drafted((round_index_ < 0 ? static_cast<int>(rounds.size()) : round_index_) + by, by);
    if (to < 0) return;
    if (const int token = document_->indexAt(rounds[static_cast<std::size_t>(to)].pos); token >= 0)
        document_->selectToken(token);
}

// The whole tree, made to fit.
void DraftTreeView::drawFigure(QPainter& painter, const QSize& size, const ThemeColors& colors) {
    if (round_index_ < 0) return;
    DraftTreeGeometry geometry(layout_, size, 1);
    const double fit =
        std::min({1.0, size.width() / geometry.size().width(), size.height() / geometry.size().height()});
    painter.save();
    painter.scale(fit, fit);
    drawDraftTree(painter, {*document_, round_, layout_, geometry, colors, -1, -1, false},
                  QRectF(QPointF(0, 0), geometry.size()));
    painter.restore();
}

void DraftTreeView::paintEvent(QPaintEvent* event) {
    QPainter painter(this);
    painter.fillRect(event->rect(), Theme::instance().colors().card);
}

}  // namespace quibble
