#include "views/card.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QVBoxLayout>

#include "views/theme.h"
#include "views/view.h"
#include "views/widgets.h"

namespace quibble {

CardHeader::CardHeader(View* view, QWidget* parent) : QWidget(parent), title_(new QLabel(view->title(), this)), figures_(new ElidingLabel(this)) {
    auto* row = new QHBoxLayout(this);
    row->setSpacing(8);
    row->addWidget(title_);
    row->addWidget(figures_, 1);
    if (QWidget* extra = view->headerWidget()) row->addWidget(extra);
    const auto margins = [row] {
        const Theme& theme = Theme::instance();
        row->setContentsMargins(theme.em(0.6), theme.em(0.3), theme.em(0.6), theme.em(0.3));
    };
    margins();
    connect(&Theme::instance(), &Theme::changed, this, margins);
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

QSize CardHeader::sizeHint() const { return QWidget::sizeHint().expandedTo(QSize(0, Theme::instance().em(1.8))); }

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
        painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, 12), 6, 6);
    }
    painter.setPen(colors.card_border);
    painter.drawLine(QPointF(0, height() - 0.5), QPointF(width(), height() - 0.5));
}

CardDock::CardDock(const QString& name, View* view, QWidget* parent) : QDockWidget(view->title(), parent), view_(view) {
    setObjectName(name);
    setTitleBarWidget(new CardHeader(view, this));
    auto* body = new QFrame(this);
    body->setObjectName(QStringLiteral("dockBody"));
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(1, 0, 1, 1);
    column->addWidget(view);
    setWidget(body);
    connect(view, &View::titleChanged, this, &QDockWidget::setWindowTitle);
}

void CardDock::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.fillRect(rect(), Theme::instance().colors().window);
}

Card::Card(View* view, bool header, QWidget* parent) : QFrame(parent) {
    setObjectName(QStringLiteral("card"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(1, 1, 1, 1);
    column->setSpacing(0);
    if (header) column->addWidget(new CardHeader(view, this));
    column->addWidget(view, 1);
}

}  // namespace quibble
