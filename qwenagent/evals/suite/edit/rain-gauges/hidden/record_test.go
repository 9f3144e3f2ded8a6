package rain_test

import (
	"fmt"
	"reflect"
	"testing"

	"example.org/rain"
)

func measured(gauge string, day, tenths int) rain.Reading {
	return rain.Reading{Gauge: gauge, Day: day, Tenths: tenths, Kind: rain.Measured}
}

func correction(gauge string, day, tenths int) rain.Reading {
	return rain.Reading{Gauge: gauge, Day: day, Tenths: tenths, Kind: rain.Correction}
}

func missedDay(gauge string, day int) rain.Reading {
	return rain.Reading{Gauge: gauge, Day: day, Kind: rain.Missed}
}

func recordOf(t *testing.T, readings ...rain.Reading) *rain.Record {
	t.Helper()
	r := rain.NewRecord()
	for _, reading := range readings {
		if err := r.Add(reading); err != nil {
			t.Fatalf("Add(%+v): %v", reading, err)
		}
	}
	return r
}

// state is all that a record tells about one gauge.
func state(r *rain.Record, gauge string) string {
	return fmt.Sprint(r.Total(gauge), " in ", r.Days(gauge), ", missed ", r.Missed(gauge))
}

func checkState(t *testing.T, r *rain.Record, want string) {
	t.Helper()
	if got := state(r, "KIRK"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func checkRefused(t *testing.T, r *rain.Record, reading rain.Reading, want string) {
	t.Helper()
	before := state(r, reading.Gauge)
	if err := r.Add(reading); err == nil || err.Error() != want {
		t.Errorf("Add(%+v): %v, want the error %s", reading, err, want)
	}
	if after := state(r, reading.Gauge); after != before {
		t.Errorf("the refused reading changed %s to %s", before, after)
	}
}

func TestRecordMeasured(t *testing.T) {
	r := recordOf(t, measured("KIRK", 1, 34), measured("KIRK", 2, 0), measured("ALT", 1, 5))
	checkState(t, r, "34 in 2, missed []")
	checkRefused(t, r, measured("KIRK", 2, 7), "KIRK day 2: already read")
}

func TestRecordCorrection(t *testing.T) {
	r := recordOf(t, measured("KIRK", 1, 34), measured("KIRK", 2, 10), correction("KIRK", 1, 40))
	checkState(t, r, "50 in 2, missed []")
	if err := r.Add(correction("KIRK", 1, 0)); err != nil {
		t.Fatal(err)
	}
	checkState(t, r, "10 in 2, missed []")
	checkRefused(t, r, measured("KIRK", 1, 7), "KIRK day 1: already read")
}

func TestRecordNothingToCorrect(t *testing.T) {
	r := recordOf(t, measured("KIRK", 1, 34), measured("ALT", 2, 5), missedDay("ALT", 3))
	checkRefused(t, r, correction("KIRK", 2, 7), "KIRK day 2: nothing to correct")
	checkRefused(t, r, correction("KIRK", 3, 7), "KIRK day 3: nothing to correct")
	checkRefused(t, r, correction("GLEN", 1, 7), "GLEN day 1: nothing to correct")
	if got := r.Gauges(); !reflect.DeepEqual(got, []string{"ALT", "KIRK"}) {
		t.Errorf("the refused gauge is listed: %v", got)
	}
}

func TestRecordMissed(t *testing.T) {
	r := recordOf(t, missedDay("KIRK", 20), measured("KIRK", 1, 34), missedDay("KIRK", 3),
		missedDay("KIRK", 20))
	checkState(t, r, "34 in 1, missed [3 20]")
	checkRefused(t, r, missedDay("KIRK", 1), "KIRK day 1: already read")
	if got := r.Missed("ALT"); len(got) != 0 {
		t.Errorf("ALT missed %v", got)
	}
}

func TestRecordMissedDayIsFilled(t *testing.T) {
	r := recordOf(t, missedDay("KIRK", 3), missedDay("KIRK", 4), missedDay("KIRK", 5),
		measured("KIRK", 3, 12), correction("KIRK", 4, 20))
	checkState(t, r, "32 in 2, missed [5]")
	checkRefused(t, r, missedDay("KIRK", 4), "KIRK day 4: already read")
	checkRefused(t, r, measured("KIRK", 4, 1), "KIRK day 4: already read")
}

func TestRecordGauges(t *testing.T) {
	r := recordOf(t, missedDay("KIRK", 3), measured("ALT", 3, 1), missedDay("ALT", 4),
		measured("BRAE", 1, 1), missedDay("AIRD", 1))
	want := []string{"AIRD", "ALT", "BRAE", "KIRK"}
	if got := r.Gauges(); !reflect.DeepEqual(got, want) {
		t.Errorf("Gauges() = %v, want %v", got, want)
	}
}
