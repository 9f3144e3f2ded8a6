package rain_test

import (
	"testing"

	"example.org/rain"
)

func TestReport(t *testing.T) {
	r := recordOf(t, measured("KIRK", 1, 34), measured("KIRK", 2, 0), measured("ALT", 1, 5))
	checkReport(t, r, "ALT: 0.5 mm on 1 day\nKIRK: 3.4 mm on 2 days\n")
	checkReport(t, rain.NewRecord(), "")
}

func TestReportWithMissedDays(t *testing.T) {
	r := recordOf(t, measured("KIRK", 1, 34), measured("KIRK", 2, 89), missedDay("KIRK", 13))
	checkReport(t, r, "KIRK: 12.3 mm on 2 days, missed 13\n")
	addAll(t, r, missedDay("KIRK", 3))
	checkReport(t, r, "KIRK: 12.3 mm on 2 days, missed 3 and 13\n")
	addAll(t, r, missedDay("KIRK", 20), measured("ALT", 1, 5))
	checkReport(t, r, "ALT: 0.5 mm on 1 day\nKIRK: 12.3 mm on 2 days, missed 3, 13 and 20\n")
}

func TestReportWithoutReadings(t *testing.T) {
	r := recordOf(t, missedDay("KIRK", 13), missedDay("ALT", 1), missedDay("ALT", 2))
	checkReport(t, r, "ALT: no readings, missed 1 and 2\nKIRK: no readings, missed 13\n")
}

func TestReportAfterCorrections(t *testing.T) {
	r := recordOf(t, missedDay("KIRK", 13), correction("KIRK", 13, 0))
	checkReport(t, r, "KIRK: 0.0 mm on 1 day\n")
}

func addAll(t *testing.T, r *rain.Record, readings ...rain.Reading) {
	t.Helper()
	for _, reading := range readings {
		if err := r.Add(reading); err != nil {
			t.Fatalf("Add(%+v): %v", reading, err)
		}
	}
}

func checkReport(t *testing.T, r *rain.Record, want string) {
	t.Helper()
	if got := rain.Report(r); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
