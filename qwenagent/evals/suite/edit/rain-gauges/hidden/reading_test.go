package rain_test

import (
	"testing"

	"example.org/rain"
)

func TestParseMeasured(t *testing.T) {
	cases := map[string]rain.Reading{
		"KIRK 12 3.4":     {Gauge: "KIRK", Day: 12, Tenths: 34, Kind: rain.Measured},
		"  ALT  1   0.0 ": {Gauge: "ALT", Day: 1, Tenths: 0, Kind: rain.Measured},
		"ALT 31 120.9":    {Gauge: "ALT", Day: 31, Tenths: 1209, Kind: rain.Measured},
	}
	checkParsed(t, cases)
}

func TestParseCorrectionsAndMissedDays(t *testing.T) {
	cases := map[string]rain.Reading{
		"KIRK 12 =4.0": {Gauge: "KIRK", Day: 12, Tenths: 40, Kind: rain.Correction},
		"KIRK 12 =0.0": {Gauge: "KIRK", Day: 12, Tenths: 0, Kind: rain.Correction},
		"KIRK 13 -":    {Gauge: "KIRK", Day: 13, Tenths: 0, Kind: rain.Missed},
	}
	checkParsed(t, cases)
}

func checkParsed(t *testing.T, cases map[string]rain.Reading) {
	t.Helper()
	for line, want := range cases {
		got, err := rain.ParseLine(line)
		if err != nil || got != want {
			t.Errorf("ParseLine(%q) = %+v, %v, want %+v", line, got, err, want)
		}
	}
}

func TestParseKinds(t *testing.T) {
	kinds := []rain.Kind{rain.Measured, rain.Correction, rain.Missed}
	for want, kind := range kinds {
		if int(kind) != want {
			t.Errorf("kind %d, want %d", kind, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	cases := map[string]string{
		"KIRK 12":        `want gauge, day and amount, got "KIRK 12"`,
		"KIRK 12 = 4.0":  `want gauge, day and amount, got "KIRK 12 = 4.0"`,
		"KIRK 32 -":      `bad day "32"`,
		"KIRK x =4.0":    `bad day "x"`,
		"KIRK 12 4":      `bad amount "4"`,
		"KIRK 12 =x":     `bad amount "=x"`,
		"KIRK 12 =":      `bad amount "="`,
		"KIRK 12 ==4.0":  `bad amount "==4.0"`,
		"KIRK 12 =-":     `bad amount "=-"`,
		"KIRK 12 --":     `bad amount "--"`,
		"KIRK 12 -4.0":   `bad amount "-4.0"`,
		"KIRK 12 =4.0.1": `bad amount "=4.0.1"`,
	}
	for line, want := range cases {
		got, err := rain.ParseLine(line)
		if err == nil || err.Error() != want {
			t.Errorf("ParseLine(%q) = %+v, %v, want the error %s", line, got, err, want)
		}
	}
}
