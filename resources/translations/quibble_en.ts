<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en_US">
<context>
    <name>RunFacts</name>
    <message numerus="yes">
        <source>throughput: %n positions with activations rounded to BF16</source>
        <translation>
            <numerusform>throughput: %n position with activations rounded to BF16</numerusform>
            <numerusform>throughput: %n positions with activations rounded to BF16</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n positions of an earlier run, %1 shared with it</source>
        <translation>
            <numerusform>%n position of an earlier run, %1 shared with it</numerusform>
            <numerusform>%n positions of an earlier run, %1 shared with it</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1, %n threads</source>
        <translation>
            <numerusform>%1, %n thread</numerusform>
            <numerusform>%1, %n threads</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n tokens</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::CoActivationMap</name>
    <message numerus="yes">
        <source>Layer %1, expert %2: %Ln tokens</source>
        <translation>
            <numerusform>Layer %1, expert %2: %Ln token</numerusform>
            <numerusform>Layer %1, expert %2: %Ln tokens</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Layer %1, experts %2 and %3: %Ln tokens chose both</source>
        <translation>
            <numerusform>Layer %1, experts %2 and %3: %Ln token chose both</numerusform>
            <numerusform>Layer %1, experts %2 and %3: %Ln tokens chose both</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::ExpertMap</name>
    <message numerus="yes">
        <source>%1 layers × %2 experts · %Ln tokens</source>
        <translation>
            <numerusform>%1 layers × %2 experts · %Ln token</numerusform>
            <numerusform>%1 layers × %2 experts · %Ln tokens</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>… and %n layers more</source>
        <translation>
            <numerusform>… and %n layer more</numerusform>
            <numerusform>… and %n layers more</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Layer %1, expert %2: chosen by %L3 of %Ln tokens (%4)
Click: the next token that used it</source>
        <translation>
            <numerusform>Layer %1, expert %2: chosen by %L3 of %Ln token (%4)
Click: the next token that used it</numerusform>
            <numerusform>Layer %1, expert %2: chosen by %L3 of %Ln tokens (%4)
Click: the next token that used it</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::LengthChart</name>
    <message numerus="yes">
        <source>%Ln verify steps accepted exactly %1 of what was drafted; the dashed line is the mean, %2</source>
        <translation>
            <numerusform>%Ln verify step accepted exactly %1 of what was drafted; the dashed line is the mean, %2</numerusform>
            <numerusform>%Ln verify steps accepted exactly %1 of what was drafted; the dashed line is the mean, %2</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::LogWindow</name>
    <message numerus="yes">
        <source>%L1 of %n lines</source>
        <translation>
            <numerusform>%L1 of %n line</numerusform>
            <numerusform>%L1 of %n lines</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::MarkersPanel</name>
    <message numerus="yes">
        <source>%n words, %1 of one token</source>
        <translation>
            <numerusform>%n word, %1 of one token</numerusform>
            <numerusform>%n words, %1 of one token</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n words</source>
        <translation>
            <numerusform>%n word</numerusform>
            <numerusform>%n words</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>; and %n more</source>
        <translation>
            <numerusform>; and %n more</numerusform>
            <numerusform>; and %n more</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n interventions</source>
        <translation>
            <numerusform>%n intervention</numerusform>
            <numerusform>%n interventions</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>all %n words</source>
        <translation>
            <numerusform>the only word</numerusform>
            <numerusform>all %n words</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1, %n times, penalty %2</source>
        <translation>
            <numerusform>%1, %n time, penalty %2</numerusform>
            <numerusform>%1, %n times, penalty %2</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Mass %1, avoided %n times. Click to switch the penalty for this word.</source>
        <translation>
            <numerusform>Mass %1, avoided %n time. Click to switch the penalty for this word.</numerusform>
            <numerusform>Mass %1, avoided %n times. Click to switch the penalty for this word.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::RunSetupPanel</name>
    <message numerus="yes">
        <source>and %n more</source>
        <translation>
            <numerusform>and %n more</numerusform>
            <numerusform>and %n more</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n tokens go to the model, as they are:</source>
        <translation>
            <numerusform>%n token goes to the model, as it is:</numerusform>
            <numerusform>%n tokens go to the model, as they are:</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::RunStatusBar</name>
    <message numerus="yes">
        <source>CPU %1, %n threads</source>
        <translation>
            <numerusform>CPU %1, %n thread</numerusform>
            <numerusform>CPU %1, %n threads</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n positions taken over from an earlier run, %1 shared with it</source>
        <translation>
            <numerusform>%n position taken over from an earlier run, %1 shared with it</numerusform>
            <numerusform>%n positions taken over from an earlier run, %1 shared with it</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::ScatterPlot</name>
    <message numerus="yes">
        <source>%n tokens with KL; entropy up to %1, KL up to %2</source>
        <translation>
            <numerusform>%n token with KL; entropy up to %1, KL up to %2</numerusform>
            <numerusform>%n tokens with KL; entropy up to %1, KL up to %2</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::MainWindow</name>
    <message numerus="yes">
        <source>Quibble was ended while it made %n runs, the last of them “%1”</source>
        <translation>
            <numerusform>Quibble was ended while it made %n run, the last of them “%1”</numerusform>
            <numerusform>Quibble was ended while it made %n runs, the last of them “%1”</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n tokens were on disk and are kept. The run is listed as interrupted.</source>
        <translation>
            <numerusform>%n token was on disk and is kept. The run is listed as interrupted.</numerusform>
            <numerusform>%n tokens were on disk and are kept. The run is listed as interrupted.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n problems could not be run, the first of them %1: %2.</source>
        <translation>
            <numerusform>%n problem could not be run: %1: %2.</numerusform>
            <numerusform>%n problems could not be run, the first of them %1: %2.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n problems of %1</source>
        <translation>
            <numerusform>%n problem of %1</numerusform>
            <numerusform>%n problems of %1</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::SessionBrowser</name>
    <message numerus="yes">
        <source>%n</source>
        <translation>
            <numerusform>%n</numerusform>
            <numerusform>%n</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::TokenInspector</name>
    <message numerus="yes">
        <source>%1 reference: not scored yet, %n tokens behind</source>
        <translation>
            <numerusform>%1 reference: not scored yet, %n token behind</numerusform>
            <numerusform>%1 reference: not scored yet, %n tokens behind</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>and %n more layers</source>
        <translation>
            <numerusform>and %n more layer</numerusform>
            <numerusform>and %n more layers</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::TokenStreamPanel</name>
    <message numerus="yes">
        <source>%n hits</source>
        <translation>
            <numerusform>%n hit</numerusform>
            <numerusform>%n hits</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>answer reached at token %1, %n tokens spent after it</source>
        <translation>
            <numerusform>answer reached at token %1, %n token spent after it</numerusform>
            <numerusform>answer reached at token %1, %n tokens spent after it</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::TokenStreamView</name>
    <message numerus="yes">
        <source>%n tokens</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::TokenTable</name>
    <message numerus="yes">
        <source>%n rows</source>
        <translation>
            <numerusform>%n row</numerusform>
            <numerusform>%n rows</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::TraceLabels</name>
    <message numerus="yes">
        <source>%1, %n tokens behind</source>
        <translation>
            <numerusform>%1, %n token behind</numerusform>
            <numerusform>%1, %n tokens behind</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::TracesPlot</name>
    <message numerus="yes">
        <source>%n tokens</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::TracesView</name>
    <message numerus="yes">
        <source>%n tokens</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::UnionChart</name>
    <message numerus="yes">
        <source>%n rows: %1 MB, %2 ms</source>
        <translation>
            <numerusform>%n row: %1 MB, %2 ms</numerusform>
            <numerusform>%n rows: %1 MB, %2 ms</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Passes of %n rows (%L1 of them): %2 experts wanted, %3 read, %4 MB of expert weights, %5 ms</source>
        <translation>
            <numerusform>Passes of %n row (%L1 of them): %2 experts wanted, %3 read, %4 MB of expert weights, %5 ms</numerusform>
            <numerusform>Passes of %n rows (%L1 of them): %2 experts wanted, %3 read, %4 MB of expert weights, %5 ms</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>SetFacts</name>
    <message numerus="yes">
        <source>%n results are of runs that the session held already.</source>
        <translation>
            <numerusform>%n result is of a run that the session held already.</numerusform>
            <numerusform>%n results are of runs that the session held already.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::SetController</name>
    <message numerus="yes">
        <source>Run all %n problems of %1 with the settings that are shown, many at a time, and keep each run</source>
        <translation>
            <numerusform>Run the one problem of %1 with the settings that are shown, and keep the run</numerusform>
            <numerusform>Run all %n problems of %1 with the settings that are shown, many at a time, and keep each run</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quibble::RuleLanes</name>
    <message numerus="yes">
        <source>%n choices turned</source>
        <translation>
            <numerusform>%n choice turned</numerusform>
            <numerusform>%n choices turned</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n tokens injected</source>
        <translation>
            <numerusform>%n token injected</numerusform>
            <numerusform>%n tokens injected</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n trials</source>
        <translation>
            <numerusform>%n trial</numerusform>
            <numerusform>%n trials</numerusform>
        </translation>
    </message>
</context>
</TS>
