package board

import (
	"reflect"
	"testing"
)

var timetable = []Departure{
	{"3", "Harbour", 6*60 + 10},
	{"3", "Harbour", 12 * 60},
	{"11", "Old Observatory", 12 * 60},
	{"11", "Old Observatory", 12*60 + 29},
	{"3", "Harbour", 12*60 + 30},
	{"N1", "Depot", 23*60 + 50},
	{"N1", "Depot", 20},
}

func check(t *testing.T, now, n int, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if got := Lines(timetable, now, n); !reflect.DeepEqual(got, want) {
		t.Errorf("at %d: got\n%q\nwant\n%q", now, got, want)
	}
}

func TestFirstTramsOfTheDay(t *testing.T) {
	check(t, 0, 2,
		"N1  Depot          20 min",
		"3   Harbour         06:10")
}

func TestAtNoon(t *testing.T) {
	check(t, 12*60, 4,
		"11  Old Observato.    now",
		"3   Harbour           now",
		"11  Old Observato. 29 min",
		"3   Harbour         12:30")
}

func TestTramThatHasJustLeft(t *testing.T) {
	check(t, 12*60+1, 2,
		"11  Old Observato. 28 min",
		"3   Harbour        29 min")
}

func TestAroundMidnight(t *testing.T) {
	check(t, 23*60+45, 2,
		"N1  Depot           5 min",
		"N1  Depot           00:20")
	check(t, 23*60+55, 2,
		"N1  Depot          25 min",
		"3   Harbour         06:10")
}

func TestAllTramsInTheEvening(t *testing.T) {
	got := Next(timetable, 23*60+50, 10)
	want := []Departure{
		timetable[5], timetable[6], timetable[0], timetable[2], timetable[1], timetable[3], timetable[4],
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNoLines(t *testing.T) {
	check(t, 12*60, 0)
	if got := Lines(nil, 12*60, 5); len(got) != 0 {
		t.Errorf("lines without a timetable: %q", got)
	}
}

func TestTimetableKeepsItsOrder(t *testing.T) {
	before := append([]Departure(nil), timetable...)
	Next(timetable, 12*60, 3)
	if !reflect.DeepEqual(timetable, before) {
		t.Errorf("the timetable was changed to %v", timetable)
	}
}
