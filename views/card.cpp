#include "views/card.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QScreen>
#include <QToolButton>
#include <QVBoxLayout>

#include "views/theme.h"
#include "views/view.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr int kFloatingFrame = 2;

}  // namespace

CardHeader::CardHeader(View* view, QWidget* parent)
    : QWidget(parent), title_(new QLabel(view->title(), this)), figures_(new ElidingLabel(this)) {
    auto* row = new QHBoxLayout(this);
    row->setSpacing(8);
    row->addWidget(title_);
    row->addWidget(figures_, 1);
    if (QWidget* extra = view->headerWidget()) row->addWidget(extra);
    updateMargins();
    connect(&Theme::instance(), &Theme::changed, this, &CardHeader::updateMargins);
    useFont(title_, FontRole::Title);
    useTextColour(title_, TextRole::Muted);
    useFont(figures_, FontRole::Title);
    useTextColour(figures_, TextRole::Muted);
    figures_->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    figures_->setFullText(view->figures());
    connect(view, &View::titleChanged, title_, &QLabel::setText);
    connect(view, &View::figuresChanged, figures_, &ElidingLabel::setFullText);
    setAccessibleName(view->title());
}

void CardHeader::setGutter(int gutter) {
    gutter_ = gutter;
    updateMargins();
    update();
}

void CardHeader::addControl(QWidget* control) { layout()->addWidget(control); }

void CardHeader::updateMargins() {
    const Theme& theme = Theme::instance();
    layout()->setContentsMargins(theme.em(0.6) + gutter_, theme.em(0.3) + gutter_, theme.em(0.6) + gutter_,
                                 theme.em(0.3));
}

QSize CardHeader::sizeHint() const {
    return QWidget::sizeHint().expandedTo(QSize(0, Theme::instance().em(1.8) + gutter_));
}

QSize CardHeader::minimumSizeHint() const { return {QWidget::minimumSizeHint().width(), sizeHint().height()}; }

void CardHeader::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::instance().colors();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    if (qobject_cast<QDockWidget*>(parentWidget()) != nullptr) {
        // The dock has no frame of its own: the header is its rounded upper end.
        painter.setPen(colors.card_border);
        painter.setBrush(colors.card);
        painter.setClipRect(rect());
        painter.drawRoundedRect(QRectF(rect()).adjusted(gutter_ + 0.5, gutter_ + 0.5, -gutter_ - 0.5, 12), 6, 6);
    }
    painter.setPen(colors.card_border);
    painter.drawLine(QPointF(gutter_, height() - 0.5), QPointF(width() - gutter_, height() - 0.5));
}

CardDock::CardDock(const QString& name, View* view, QWidget* parent)
    : QDockWidget(view->title(), parent),
      view_(view),
      header_(new CardHeader(view, this)),
      float_controls_(new QWidget(header_)),
      frame_(new QWidget(this)) {
    setObjectName(name);
    auto* controls = new QHBoxLayout(float_controls_);
    controls->setContentsMargins(0, 0, 0, 0);
    controls->setSpacing(2);
    QToolButton* back =
        makeFlatButton(QStringLiteral("down"), tr("Put the panel back into the window"), float_controls_);
    QToolButton* away =
        makeFlatButton(QStringLiteral("close"), tr("Hide the panel (View > Panels shows it again)"), float_controls_);
    controls->addWidget(back);
    controls->addWidget(away);
    header_->addControl(float_controls_);
    float_controls_->hide();
    connect(back, &QToolButton::clicked, this, [this] { setFloating(false); });
    connect(away, &QToolButton::clicked, this, &QDockWidget::close);
    connect(this, &QDockWidget::topLevelChanged, this, &CardDock::updateFloating);
    setTitleBarWidget(header_);
    auto* outer = new QVBoxLayout(frame_);
    outer->setSpacing(0);
    auto* body = new QFrame(frame_);
    outer->addWidget(body);
    body->setObjectName(QStringLiteral("dockBody"));
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(1, 0, 1, 1);
    column->addWidget(view);
    setWidget(frame_);
    updateGutters();
    connect(&Theme::instance(), &Theme::changed, this, &CardDock::updateGutters);
    connect(view, &View::titleChanged, this, &QDockWidget::setWindowTitle);
}

void CardDock::updateGutters() {
    const int gutter = cardGutter();
    header_->setGutter(gutter);
    frame_->layout()->setContentsMargins(gutter, 0, gutter, gutter);
}

void CardDock::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const ThemeColors& colors = Theme::instance().colors();
    painter.fillRect(rect(), colors.window);
    if (!isFloating()) return;
    painter.setPen(QPen(colors.accent, kFloatingFrame));
    painter.drawRect(rect().adjusted(kFloatingFrame / 2, kFloatingFrame / 2, -kFloatingFrame / 2, -kFloatingFrame / 2));
}

void CardDock::updateFloating(bool floating) {
    float_controls_->setVisible(floating);
    update();
}

// A panel that floats may have been left on a screen that is gone.
void CardDock::showEvent(QShowEvent* event) {
    QDockWidget::showEvent(event);
    if (!isFloating()) return;
    updateFloating(true);
    const QRect place = movedInto(geometry(), screen()->availableGeometry());
    if (place != geometry()) setGeometry(place);
    raise();
}

Card::Card(View* view, bool header, QWidget* parent) : QWidget(parent) {
    auto* outer = new QVBoxLayout(this);
    auto* frame = new QFrame(this);
    frame->setObjectName(QStringLiteral("card"));
    outer->addWidget(frame);
    auto* column = new QVBoxLayout(frame);
    column->setContentsMargins(1, 1, 1, 1);
    column->setSpacing(0);
    if (header) column->addWidget(new CardHeader(view, frame));
    column->addWidget(view, 1);
    const auto gutters = [outer] { outer->setContentsMargins(cardGutter(), cardGutter(), cardGutter(), cardGutter()); };
    gutters();
    connect(&Theme::instance(), &Theme::changed, this, gutters);
}

int cardGutter() { return Theme::instance().em(0.26); }

}  // namespace quibble
