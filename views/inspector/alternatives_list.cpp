#include "views/inspector/alternatives_list.h"

#include <algorithm>
#include <cmath>

#include <QKeyEvent>
#include <QPainter>
#include <QStyledItemDelegate>

#include "views/run_document.h"
#include "views/text_shaping.h"
#include "views/theme.h"
#include "views/token_stream/token_pieces.h"
#include "views/widgets.h"

namespace quibble {

namespace {

// word | bar | 0.412
constexpr int kStandsBar = 3;  // pixels
constexpr int kMostRows = 30;  // that the list shows without scrolling

class AlternativeDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
        return {Theme::instance().em(8), QFontMetrics(Theme::instance().monoSmallFont()).height() * 5 / 4};
    }
    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
        const Theme& theme = Theme::instance();
        const ThemeColors& colors = theme.colors();
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        const QRect area = option.rect;
        const bool selected = option.state & QStyle::State_Selected, focused = option.state & QStyle::State_HasFocus;
        if (selected || option.state & QStyle::State_MouseOver) {
            painter->setPen(Qt::NoPen);
            QColor back = colors.accent_soft;
            if (!selected) back.setAlphaF(0.45F);
            painter->setBrush(back);
            painter->drawRoundedRect(area, 3, 3);
        }
        if (focused) {
            painter->setPen(QPen(colors.accent, 1));
            painter->setBrush(Qt::NoBrush);
            painter->drawRoundedRect(QRectF(area).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3);
        }
        const double p = index.data(AlternativesModel::ProbabilityRole).toDouble();
        const bool marker = index.data(AlternativesModel::MarkerRole).toBool(),
                   stands = index.data(AlternativesModel::StandsRole).toBool();
        if (stands) {  // in the text: a bar at the left and a check mark behind the word
            painter->setPen(Qt::NoPen);
            painter->setBrush(colors.accent);
            painter->drawRoundedRect(QRectF(area.left(), area.top() + 1, kStandsBar, area.height() - 2), 1.5, 1.5);
        }
        const QString text = index.data().toString(), number = formatSignificant(p);
        QFont font = asItIs(theme.monoSmallFont(), text);
        font.setBold(marker || stands);
        const int pad = theme.em(0.25) + kStandsBar;
        const QFontMetrics numbers(theme.uiFont());
        const int number_width = std::max(numbers.horizontalAdvance(QStringLiteral("0.0000")),
                                          numbers.horizontalAdvance(formatSignificant(8.88e-8)));
        const int word_width = std::max((area.width() - number_width) * 36 / 100, theme.em(3));
        painter->setFont(font);
        painter->setPen(marker ? colors.marker : colors.text);
        const QRect word(area.left() + pad, area.top(), word_width - pad - (stands ? theme.em(0.8) : 0), area.height());
        const QString shown = QFontMetrics(font).elidedText(text, Qt::ElideRight, word.width());
        painter->drawText(word, Qt::AlignVCenter | Qt::AlignLeft, shown);
        if (stands) {
            const double r = theme.em(0.2), x = word.left() + QFontMetricsF(font).horizontalAdvance(shown) + 2 * r,
                         y = area.center().y() + 0.5;
            painter->setPen(QPen(colors.accent, 1.8, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
            painter->setBrush(Qt::NoBrush);
            const QPointF check[] = {{x, y}, {x + r * 0.75, y + r * 0.75}, {x + 2 * r, y - r * 0.8}};
            painter->drawPolyline(check, 3);
        }
        const double height = std::max(6.0, area.height() * 0.36);
        const QRectF track(area.left() + word_width + pad, area.center().y() - height / 2 + 0.5,
                           area.width() - word_width - number_width - 3 * pad, height);
        painter->setPen(Qt::NoPen);
        painter->setBrush(colors.bar_track);
        painter->drawRoundedRect(track, 2.5, 2.5);
        if (p > 0 && track.width() > 0) {
            painter->setBrush(marker ? colors.entropy : colors.bar);
            painter->drawRoundedRect(
                QRectF(track.left(), track.top(), std::max(2.0, track.width() * std::min(p, 1.0)), height), 2.5, 2.5);
        }
        painter->setFont(theme.uiFont());
        painter->setPen(colors.text);
        painter->drawText(area.adjusted(0, 0, -pad, 0), Qt::AlignVCenter | Qt::AlignRight, number);
        painter->restore();
    }
};

}  // namespace

AlternativesModel::AlternativesModel(RunDocument* document, QObject* parent)
    : QAbstractListModel(parent), document_(document) {}

void AlternativesModel::setContent(Content content) {
    beginResetModel();
    rows_ = std::move(content.rows);
    stands_ = content.stands;
    const auto is_standing = [this](const Alternative& row) { return row.id == stands_; };
    Alternative standing{stands_, content.stands_logprob};
    if (const auto found = std::find_if(rows_.begin(), rows_.end(), is_standing); found != rows_.end())
        standing = *found;
    if (static_cast<int>(rows_.size()) > content.limit)
        rows_.resize(static_cast<std::size_t>(std::max(0, content.limit)));
    const bool shown = std::any_of(rows_.begin(), rows_.end(), is_standing);
    if (!shown && !rows_.empty() && stands_ != kNoToken && std::isfinite(standing.logprob)) rows_.push_back(standing);
    endResetModel();
}

int AlternativesModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

bool AlternativesModel::isMarker(TokenId id) const {
    const auto& markers = document_->trace().provenance().markers;
    return std::any_of(markers.begin(), markers.end(), [id](const ResolvedMarker& marker) { return marker.id == id; });
}

QVariant AlternativesModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const Alternative& row = rows_[static_cast<std::size_t>(index.row())];
    const double p = std::exp(static_cast<double>(row.logprob));
    switch (role) {
        case Qt::DisplayRole: {
            const std::string_view bytes = document_->trace().text(row.id);
            return bytes.empty() ? tr("⟨%1⟩").arg(row.id) : tokenLabelOf(bytes, true);
        }
        case Qt::ToolTipRole:
            return tr("id %1 · p %2 · ln p %3")
                       .arg(row.id)
                       .arg(formatSignificant(p, 4), formatSignificant(static_cast<double>(row.logprob), 4)) +
                   (row.id == stands_ ? QLatin1Char('\n') + tr("stands in the text") : QString());
        case Qt::AccessibleTextRole:
            return tr("%1, probability %2%3%4")
                .arg(document_->tokenLabel(row.id), formatSignificant(p), isMarker(row.id) ? tr(", marker") : QString(),
                     row.id == stands_ ? tr(", stands in the text") : QString());
        case IdRole: return row.id;
        case ProbabilityRole: return p;
        case MarkerRole: return isMarker(row.id);
        case StandsRole: return row.id == stands_;
        default: return {};
    }
}

int AlternativesModel::rowOf(TokenId id) const {
    const auto found = std::find_if(rows_.begin(), rows_.end(), [id](const Alternative& row) { return row.id == id; });
    return found == rows_.end() ? -1 : static_cast<int>(found - rows_.begin());
}

AlternativesList::AlternativesList(RunDocument* document, const QString& name, QWidget* parent)
    : QListView(parent), model_(new AlternativesModel(document, this)) {
    setModel(model_);
    setItemDelegate(new AlternativeDelegate(this));
    setAccessibleName(name);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    setSelectionMode(QAbstractItemView::SingleSelection);
    setMouseTracking(true);
    setUniformItemSizes(true);
    setTabKeyNavigation(false);
    connect(this, &QListView::doubleClicked, this,
            [this](const QModelIndex& index) { emit confirmed(index.data(AlternativesModel::IdRole).toInt()); });
    connect(this, &QListView::clicked, this,
            [this](const QModelIndex& index) { emit chosen(index.data(AlternativesModel::IdRole).toInt()); });
    connect(&Theme::instance(), &Theme::changed, this, [this] {
        doItemsLayout();
        updateGeometry();
    });
}

void AlternativesList::setContent(AlternativesModel::Content content) {
    silent_ = true;
    model_->setContent(std::move(content));
    silent_ = false;
    setVerticalScrollBarPolicy(model_->rowCount() > kMostRows ? Qt::ScrollBarAsNeeded : Qt::ScrollBarAlwaysOff);
    updateGeometry();
}

void AlternativesList::showChosen(TokenId id) {
    silent_ = true;
    const int row = model_->rowOf(id);
    if (row < 0) {
        clearSelection();
        setCurrentIndex({});
    } else {
        setCurrentIndex(model_->index(row));
    }
    silent_ = false;
}

// The cursor keys go on from the token that stands in the text.
void AlternativesList::focusInEvent(QFocusEvent* event) {
    QListView::focusInEvent(event);
    if (currentIndex().isValid() || model_->rowCount() == 0) return;
    silent_ = true;
    selectionModel()->setCurrentIndex(model_->index(std::max(0, model_->rowOf(model_->stands()))),
                                      QItemSelectionModel::NoUpdate);
    silent_ = false;
    viewport()->update();
}

QSize AlternativesList::sizeHint() const {
    const int row = itemDelegate()->sizeHint({}, {}).height();
    return {Theme::instance().em(12), row * std::clamp(model_->rowCount(), 1, kMostRows) + 2};
}

QSize AlternativesList::minimumSizeHint() const { return {Theme::instance().em(8), sizeHint().height()}; }

void AlternativesList::currentChanged(const QModelIndex& current, const QModelIndex& previous) {
    QListView::currentChanged(current, previous);
    if (!silent_ && current.isValid()) emit chosen(current.data(AlternativesModel::IdRole).toInt());
}

void AlternativesList::keyPressEvent(QKeyEvent* event) {
    const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
    if (enter && currentIndex().isValid()) {
        emit confirmed(currentIndex().data(AlternativesModel::IdRole).toInt());
        return;
    }
    QListView::keyPressEvent(event);
}

// The panel around it scrolls, unless the list is longer than it lets itself become.
void AlternativesList::wheelEvent(QWheelEvent* event) {
    if (model_->rowCount() <= kMostRows) return event->ignore();
    QListView::wheelEvent(event);
}

}  // namespace quibble
