#include "views/token_stream/colour_bar.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLinearGradient>
#include <QPainter>

#include "views/run_document.h"
#include "views/token_stream/legend_bar.h"
#include "views/widgets.h"

namespace quibble {

LegendBar::LegendBar(RunDocument* document, QWidget* parent) : QWidget(parent), document_(document) {
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Preferred);
    const auto refresh = [this] {
        setToolTip(measureHelp(document_->measure()));
        setAccessibleName(tr("Legend: %1").arg(caption()));
        updateGeometry();
        update();
    };
    connect(document_, &RunDocument::measureChanged, this, refresh);
    connect(document_, &RunDocument::unitChanged, this, refresh);
    connect(document_, &RunDocument::scaleChanged, this, refresh);
    connect(document_, &RunDocument::reset, this, refresh);
    connect(&Theme::instance(), &Theme::changed, this, refresh);
    refresh();
}

QString LegendBar::caption() const {
    const Measure measure = document_->measure();
    if (measure == Measure::None) return {};
    const double upper = document_->scaleUpper(measure);
    if (upper <= 0) return tr("nothing measured yet");
    const QString low = measure == Measure::Rank ? QStringLiteral("1") : QStringLiteral("0");
    const QString unit = measureUnit(measure, document_->unit());
    const QString high = QLocale().toString(upper, 'g', 3);
    return unit.isEmpty() ? tr("%1 – %2").arg(low, high) : tr("%1 – %2 %3").arg(low, high, unit);
}

QSize LegendBar::sizeHint() const {
    if (document_->measure() == Measure::None) return {0, Theme::instance().em(1)};
    const QFontMetrics metrics(Theme::instance().smallFont());
    // Room for the widest caption of the kind, so that the tool bar does not move when the scale grows.
    const int text =
        std::max(metrics.horizontalAdvance(caption()), metrics.horizontalAdvance(QStringLiteral("0 – 0,005 nat")));
    return {Theme::instance().em(6) + Theme::instance().em(0.6) + text + 2, Theme::instance().em(1.2)};
}

void LegendBar::paintEvent(QPaintEvent*) {
    if (document_->measure() == Measure::None) return;
    const Theme& theme = Theme::instance();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF bar(0, height() / 2.0 - theme.em(0.21), theme.em(6), theme.em(0.42));
    QLinearGradient gradient(bar.topLeft(), bar.topRight());
    for (int i = 0; i <= 8; ++i) gradient.setColorAt(i / 8.0, theme.ramp(measureRamp(document_->measure()), i / 8.0));
    painter.setPen(QPen(theme.colors().card_border, 1));
    painter.setBrush(gradient);
    painter.drawRoundedRect(bar, bar.height() / 2, bar.height() / 2);
    painter.setFont(theme.smallFont());
    painter.setPen(theme.colors().muted);
    painter.drawText(QRectF(bar.right() + theme.em(0.6), 0, width(), height()), Qt::AlignVCenter | Qt::AlignLeft,
                     caption());
}

ColourBar::ColourBar(RunDocument* document, QWidget* parent)
    : QWidget(parent), chooser_(new QComboBox(this)), legend_(new LegendBar(document, this)) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(8);
    caption_ = makeCaption(tr("colour"), this);
    caption_->setWordWrap(false);
    caption_->setBuddy(chooser_);
    row->addWidget(caption_);
    row->addWidget(chooser_);
    row->addWidget(legend_);
    chooser_->setAccessibleName(tr("Colour the text by"));
    for (const Measure measure : kMeasures) {
        chooser_->addItem(measureLabel(measure), static_cast<int>(measure));
        chooser_->setItemData(chooser_->count() - 1, measureHelp(measure), Qt::ToolTipRole);
    }
    const auto show = [this, document] {
        chooser_->setCurrentIndex(chooser_->findData(static_cast<int>(document->measure())));
    };
    connect(document, &RunDocument::measureChanged, this, show);
    connect(chooser_, &QComboBox::activated, document, [this, document](int index) {
        document->setMeasure(static_cast<Measure>(chooser_->itemData(index).toInt()));
    });
    show();
}

void ColourBar::setRoom(Room room) {
    caption_->setVisible(room >= Room::Everything);
    legend_->setVisible(room >= Room::Legend);
}

int ColourBar::widthWith(Room room) const {
    int width = chooser_->sizeHint().width();
    if (room >= Room::Everything) width += layout()->spacing() + caption_->sizeHint().width();
    if (room >= Room::Legend) width += layout()->spacing() + legend_->sizeHint().width();
    return width;
}

}  // namespace quibble
