<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en_US">
<context>
    <name>MarkersPanel</name>
    <message numerus="yes">
        <source>%n words, %1 single tokens</source>
        <translation>
            <numerusform>%n word, %1 single tokens</numerusform>
            <numerusform>%n words, %1 single tokens</numerusform>
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
</context>
<context>
    <name>RunSetupPanel</name>
    <message numerus="yes">
        <source>%n tokens go to the model, as they are:</source>
        <translation>
            <numerusform>%n token goes to the model, as it is:</numerusform>
            <numerusform>%n tokens go to the model, as they are:</numerusform>
        </translation>
    </message>
</context>
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
        <source>%n tokens</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1, %n threads</source>
        <translation>
            <numerusform>%1, %n thread</numerusform>
            <numerusform>%1, %n threads</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>RunStatusBar</name>
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
    <name>ScatterPlot</name>
    <message numerus="yes">
        <source>%n tokens with KL; entropy up to %1, KL up to %2</source>
        <translation>
            <numerusform>%n token with KL; entropy up to %1, KL up to %2</numerusform>
            <numerusform>%n tokens with KL; entropy up to %1, KL up to %2</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>SessionBrowser</name>
    <message numerus="yes">
        <source>%n</source>
        <translation>
            <numerusform>%n</numerusform>
            <numerusform>%n</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>TokenInspector</name>
    <message numerus="yes">
        <source>%1 reference: not scored yet, %n tokens behind</source>
        <translation>
            <numerusform>%1 reference: not scored yet, %n token behind</numerusform>
            <numerusform>%1 reference: not scored yet, %n tokens behind</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>TokenStreamPanel</name>
    <message numerus="yes">
        <source>%n hits</source>
        <translation>
            <numerusform>%n hit</numerusform>
            <numerusform>%n hits</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>TokenStreamView</name>
    <message numerus="yes">
        <source>%n tokens</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>TokenTable</name>
    <message numerus="yes">
        <source>%n rows</source>
        <translation>
            <numerusform>%n row</numerusform>
            <numerusform>%n rows</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>TraceLabels</name>
    <message numerus="yes">
        <source>%1, %n tokens behind</source>
        <translation>
            <numerusform>%1, %n token behind</numerusform>
            <numerusform>%1, %n tokens behind</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>TracesPlot</name>
    <message numerus="yes">
        <source>%n tokens</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>TracesView</name>
    <message numerus="yes">
        <source>%n tokens</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
</context>
</TS>
