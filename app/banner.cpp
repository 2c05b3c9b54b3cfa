#include "app/banner.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include <QAccessible>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QTextDocument>
#include <QTextEdit>
#include <QToolButton>
#include <QVBoxLayout>
#include <QWheelEvent>

#include "engine/run/run_log.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr int kMost = 4;
constexpr const char* kKey = "quibble_key";
constexpr const char* kProblem = "quibble_problem";

// Text that can be selected and breaks anywhere where it must: a long path would else make the whole window wider, or
// be cut off.
class BannerText : public QTextEdit {
public:
    explicit BannerText(QWidget* parent) : QTextEdit(parent) {
        setObjectName(QStringLiteral("bannerText"));
        setReadOnly(true);
        setFrameShape(QFrame::NoFrame);
        setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
        setTabChangesFocus(true);
        setWordWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
        setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
        setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
        setStyleSheet(QStringLiteral("QTextEdit { background: transparent; border: none; padding: 0; }"));
        document()->setDocumentMargin(0);
        QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Preferred);
        policy.setHeightForWidth(true);
        setSizePolicy(policy);
    }
    [[nodiscard]] bool hasHeightForWidth() const override { return true; }
    [[nodiscard]] int heightForWidth(int width) const override {
        const std::unique_ptr<QTextDocument> copy(document()->clone());
        copy->setDefaultFont(font());
        copy->setDocumentMargin(0);
        copy->setTextWidth(std::max(width, leastWidth()));  // layouts ask for widths that never come to be
        return static_cast<int>(std::ceil(copy->size().height()));
    }
    [[nodiscard]] QSize sizeHint() const override {
        const int width = Theme::instance().em(30);
        return {width, heightForWidth(width)};
    }
    [[nodiscard]] QSize minimumSizeHint() const override { return {leastWidth(), heightForWidth(width())}; }
    [[nodiscard]] static int leastWidth() { return Theme::instance().em(10); }

protected:
    void wheelEvent(QWheelEvent* event) override { event->ignore(); }
    // Layouts keep the heights that they asked for before the theme's font came.
    bool event(QEvent* event) override {
        const bool done = QTextEdit::event(event);
        if (event->type() == QEvent::Polish || event->type() == QEvent::FontChange ||
            event->type() == QEvent::StyleChange)
            updateGeometry();
        return done;
    }
};

// Paints its edge itself: a border of the style sheet takes room that no layout counts, and the text would lack it.
class BannerFrame : public QFrame {
public:
    using QFrame::QFrame;

protected:
    void paintEvent(QPaintEvent*) override {
        constexpr int kBar = 4, kRadius = 6;
        const ThemeColors& colors = Theme::instance().colors();
        QPainter painter(this);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(colors.card_border);
        painter.setBrush(colors.card);
        painter.setClipRect(rect());
        painter.drawRoundedRect(QRectF(rect()).adjusted(-kRadius, 0.5, -0.5, -0.5), kRadius,
                                kRadius);  // straight at the left
        painter.fillRect(0, 0, kBar, height(), property(kProblem).toBool() ? colors.bad : colors.accent);
    }
};

}  // namespace

BannerArea::BannerArea(QWidget* parent) : QWidget(parent), column_(new QVBoxLayout(this)) {
    // As far from the edges as the card below it, whose dock area leaves this gap.
    column_->setContentsMargins(4, 4, 4, 0);
    column_->setSpacing(6);
    setObjectName(QStringLiteral("banners"));
    connect(&Theme::instance(), &Theme::changed, this, [this] {
        for (QFrame* banner : findChildren<QFrame*>(QStringLiteral("banner"), Qt::FindDirectChildrenOnly))
            banner->update();
    });
    hide();
}

void BannerArea::showMessage(const BannerMessage& message) {
    clear(message.key);
    if (message.kind == BannerMessage::Kind::Problem) {
        logProblem("shown: " +
                   (message.hint.isEmpty() ? message.cause : message.cause + QStringLiteral(". ") + message.hint)
                       .toStdString());
    }
    auto* banner = new BannerFrame(this);
    banner->setObjectName(QStringLiteral("banner"));
    banner->setProperty(kKey, message.key);
    banner->setProperty(kProblem, message.kind == BannerMessage::Kind::Problem);
    const Theme& theme = Theme::instance();
    auto* row = new QHBoxLayout(banner);
    row->setContentsMargins(theme.em(0.6), theme.em(0.35), theme.em(0.4), theme.em(0.35));
    row->setSpacing(theme.em(0.5));
    if (message.kind == BannerMessage::Kind::Problem) {
        auto* sign = new QLabel(banner);
        sign->setPixmap(theme.icon(QStringLiteral("warning"), theme.colors().bad).pixmap(theme.em(1.0)));
        row->addWidget(sign, 0, Qt::AlignTop);
    }
    auto* text = new BannerText(banner);
    const QString cause = QStringLiteral("<b>%1</b>").arg(message.cause.toHtmlEscaped());
    text->setHtml(message.hint.isEmpty() ? cause : cause + QStringLiteral("<br>") + message.hint.toHtmlEscaped());
    text->setAccessibleName(message.hint.isEmpty() ? message.cause
                                                   : message.cause + QStringLiteral(". ") + message.hint);
    row->addWidget(text, 1);
    if (!message.action.isEmpty()) {
        auto* button = new QPushButton(message.action, banner);
        connect(button, &QPushButton::clicked, this, [this, key = message.key, act = message.on_action] {
            clear(key);
            if (act) act();
        });
        row->addWidget(button, 0, Qt::AlignVCenter);
    }
    QToolButton* close = makeFlatButton(QStringLiteral("close"), tr("Dismiss"), banner);
    connect(close, &QToolButton::clicked, this, [this, key = message.key] { clear(key); });
    row->addWidget(close, 0, Qt::AlignTop);
    column_->addWidget(banner);
    while (column_->count() > kMost) {
        QLayoutItem* oldest = column_->takeAt(0);
        oldest->widget()->deleteLater();
        oldest->widget()->setParent(nullptr);
        delete oldest;
    }
    show();
    QAccessibleEvent alert(text, QAccessible::Alert);
    QAccessible::updateAccessibility(&alert);
}

void BannerArea::showError(const QString& key, const Error& error) {
    showMessage({.kind = BannerMessage::Kind::Problem,
                 .key = key,
                 .cause = QString::fromStdString(error.what),
                 .hint = QString::fromStdString(error.hint),
                 .action = {},
                 .on_action = {}});
}

void BannerArea::clear(const QString& key) {
    for (int i = column_->count() - 1; i >= 0; --i) {
        QWidget* banner = column_->itemAt(i)->widget();
        if (banner->property(kKey).toString() != key) continue;
        delete column_->takeAt(i);
        banner->hide();
        banner->deleteLater();
    }
    if (column_->count() == 0) hide();
}

QStringList BannerArea::texts() const {
    QStringList all;
    for (int i = 0; i < column_->count(); ++i) {
        all.append(column_->itemAt(i)->widget()->findChild<QWidget*>(QStringLiteral("bannerText"))->accessibleName());
    }
    return all;
}

}  // namespace quibble
