#include "views/save_file.h"

#include <utility>

#include <QCoreApplication>
#include <QFileDialog>
#include <QFileInfo>
#include <QMessageBox>
#include <QPushButton>

namespace quibble {

namespace {

constexpr qsizetype kLongestName = 80;

struct SaveText {
    Q_DECLARE_TR_FUNCTIONS(SaveFile)
};

void askToReplace(QWidget* window, const SaveQuestion& question, const QString& path,
                  const std::function<void(const QString&)>& chosen) {
    auto* box = new QMessageBox(QMessageBox::Question, question.title,
                                SaveText::tr("“%1” exists already.").arg(QFileInfo(path).fileName()),
                                QMessageBox::NoButton, window);
    box->setObjectName(QStringLiteral("replaceQuestion"));
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setInformativeText(SaveText::tr("Replacing it loses what is in it."));
    QPushButton* replace = box->addButton(SaveText::tr("&Replace"), QMessageBox::AcceptRole);
    replace->setObjectName(QStringLiteral("replace"));
    QPushButton* other = box->addButton(SaveText::tr("&Another name…"), QMessageBox::RejectRole);
    other->setObjectName(QStringLiteral("anotherName"));
    box->setDefaultButton(other);
    box->setEscapeButton(other);
    QObject::connect(box, &QMessageBox::buttonClicked, window, [=](const QAbstractButton* button) {
        if (button == replace) return chosen(path);
        SaveQuestion again = question;
        again.start = path;
        askWhereToSave(window, again, chosen);
    });
    box->open();
}

}  // namespace

QString withEnding(const QString& path, const QString& ending) {
    const QString dotted = QLatin1Char('.') + ending;
    return path.endsWith(dotted, Qt::CaseInsensitive) ? path : path + dotted;
}

QString fileNameOf(const QString& title) {
    QString name;
    for (const QChar c : title.simplified()) {
        const bool unwanted = c.category() == QChar::Other_Control || QStringLiteral("/\\:*?\"<>|").contains(c);
        name += unwanted ? QLatin1Char('-') : c;
    }
    name = name.left(kLongestName);
    const auto loose = [](QChar c) { return c == QLatin1Char('.') || c == QChar(0x2026) || c.isSpace(); };
    while (!name.isEmpty() && loose(name.back())) name.chop(1);
    while (!name.isEmpty() && loose(name.front())) name.remove(0, 1);
    return name.isEmpty() ? SaveText::tr("untitled") : name;
}

void askWhereToSave(QWidget* window, const SaveQuestion& question, std::function<void(const QString& path)> chosen) {
    auto* dialog =
        new QFileDialog(window, question.title, withEnding(question.start, question.ending), question.filter);
    dialog->setObjectName(QStringLiteral("saveDialog"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setFileMode(QFileDialog::AnyFile);
    // The dialog would ask about the name as it was typed.
    dialog->setOption(QFileDialog::DontConfirmOverwrite);
    QObject::connect(dialog, &QFileDialog::fileSelected, window,
                     [window, question, chosen = std::move(chosen)](const QString& typed) {
                         const QString path = withEnding(typed, question.ending);
                         if (QFileInfo::exists(path))
                             askToReplace(window, question, path, chosen);
                         else
                             chosen(path);
                     });
    dialog->open();
}

}  // namespace quibble
