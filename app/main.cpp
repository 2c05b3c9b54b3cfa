// quibble: the window. Reads the command line, makes the application and the window, opens what was asked for.
#include <cstdio>
#include <cstring>

#include <QCommandLineParser>
#include <QCoreApplication>
#include <QTimer>
#include <QTranslator>

#include "app/main_window.h"
#include "app/quibble_application.h"
#include "app/startup_probe.h"
#include "engine/base/log.h"
#include "engine/base/open_note.h"
#include "engine/values/version.h"
#include "kernels/ops.h"
#include "views/theme.h"

namespace {

constexpr int kBadUsage = 1;
constexpr int kAliveEveryMs = 20'000;

void describe(QCommandLineParser& parser) {
    parser.setApplicationDescription(
        QCoreApplication::translate("main", "A lab for watching quantized reasoning models think."));
    parser.addHelpOption();
    parser.addVersionOption();
    parser.addOption({QStringLiteral("config-dir"),
                      QCoreApplication::translate(
                          "main", "Keep settings, sessions and marker lists in this folder (portable mode)."),
                      QCoreApplication::translate("main", "folder")});
    parser.addOption({QStringLiteral("log-level"),
                      QCoreApplication::translate(
                          "main", "What the log holds: debug, info, warning, error or off (or set QUIBBLE_LOG_LEVEL)."),
                      QCoreApplication::translate("main", "level")});
    parser.addOption({QStringLiteral("log-texts"),
                      QCoreApplication::translate("main", "Write prompts and generated text to the log too.")});
    parser.addOption({QStringLiteral("exit-after-first-frame"),
                      QCoreApplication::translate("main", "Print how long the start took, as JSON, and quit.")});
    parser.addPositionalArgument(
        QStringLiteral("file"),
        QCoreApplication::translate(
            "main", "Models (.gguf, .safetensors, or a folder with a checkpoint) or sessions (.session) to open."),
        QStringLiteral("[file...]"));
}

// --help and --version answer without a display.
bool wantsTextOnly(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        for (const char* option : {"-h", "--help", "--help-all", "-v", "--version"}) {
            if (std::strcmp(argv[i], option) == 0) return true;
        }
    }
    return false;
}

int answerInText(int argc, char** argv) {
    QCoreApplication app(argc, argv);
    QCoreApplication::setApplicationName(QStringLiteral("quibble"));
    QCoreApplication::setApplicationVersion(QString::fromLatin1(quibble::kVersion));
    QCommandLineParser parser;
    describe(parser);
    parser.process(app);
    return 0;
}

// The window, from its making to its end.
int showWindow(quibble::QuibbleApplication& app, const QCommandLineParser& parser, const quibble::AppPaths& paths) {
    {
        const quibble::Settings look(paths.settings_file);
        quibble::Theme& theme = quibble::Theme::instance();
        theme.setMode(look.theme());
        theme.setFontScale(look.fontScale());
        theme.install(app);
    }
    quibble::MainWindow window(paths);
    QObject::connect(&app, &quibble::QuibbleApplication::contractBroken, &window,
                     &quibble::MainWindow::showInternalError);

    // The first model on the command line is the one to begin with, so that no other is loaded before it.
    QStringList files = parser.positionalArguments();
    std::filesystem::path model;
    for (qsizetype i = 0; i < files.size() && model.empty(); ++i) {
        if (quibble::opensAsModel(files[i])) model = quibble::toPath(files.takeAt(i));
    }
    window.begin(model);
    if (parser.isSet(QStringLiteral("exit-after-first-frame"))) new quibble::StartupProbe(&window);
    window.show();
    if (!files.isEmpty()) window.openFiles(files);
    return quibble::QuibbleApplication::exec();
}

}  // namespace

int main(int argc, char** argv) {
    if (wantsTextOnly(argc, argv)) return answerInText(argc, argv);
    if (const auto isa = quibble::kernels::isaFromEnvironment(); isa.ops == nullptr) {
        std::fprintf(stderr, "quibble: %s\n", isa.error.c_str());
        return kBadUsage;
    }
    quibble::QuibbleApplication app(argc, argv);
    QTranslator plurals;
    if (plurals.load(QStringLiteral(":/i18n/quibble_en.qm"))) QCoreApplication::installTranslator(&plurals);
    QCommandLineParser parser;
    describe(parser);
    if (!parser.parse(QCoreApplication::arguments())) {
        std::fprintf(stderr, "quibble: %s\n", qUtf8Printable(parser.errorText()));
        return kBadUsage;
    }
    const quibble::AppPaths paths = quibble::AppPaths::locate(parser.value(QStringLiteral("config-dir")));
    auto log = quibble::logSetup(parser.value(QStringLiteral("log-level")).toStdString(),
                                 parser.isSet(QStringLiteral("log-texts")));
    if (!log) {
        std::fprintf(stderr, "quibble: %s\n", log.error().line().c_str());
        return kBadUsage;
    }
    log->folder = paths.state_dir;
    quibble::startLog(*log);
    quibble::logInfo(std::string("quibble ") + quibble::kVersion + " begins, " + quibble::kernels::ops().isa +
                     " kernels, Qt " + qVersion());
    const quibble::OpenNote note(paths.state_dir);
    for (const std::string& found : note.left()) quibble::logWarning(found);
    QTimer alive;
    QObject::connect(&alive, &QTimer::timeout, [&note] { note.touch(); });
    alive.start(kAliveEveryMs);
    const int status = showWindow(app, parser, paths);
    quibble::logInfo("quibble ends");
    return status;
}
