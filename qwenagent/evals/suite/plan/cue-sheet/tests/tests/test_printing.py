from cuesheet import CueSheet, parse
from printing import table

TEXT = """\
show: Short
channels: 4
cue 1 "Preset" up 3
  1-3 @ 40
cue 1.5
  4 @ full
"""


def test_table():
    assert table(parse(TEXT)) == (
        "cue  label   time  moves\n1    Preset     3      3\n1.5  -          2      1\n"
    )


def test_table_without_cues():
    assert table(CueSheet("Short", 4)) == "cue  label  time  moves\n"
