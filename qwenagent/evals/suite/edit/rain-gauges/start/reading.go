// Package rain keeps the record of rain gauges for one month.
package rain

import (
	"fmt"
	"strconv"
	"strings"
)

// Reading is what one line of the observers says.
type Reading struct {
	Gauge  string
	Day    int // of the month, 1 to 31
	Tenths int // of a millimetre
}

// ParseLine reads a line such as "KIRK 12 3.4".
func ParseLine(line string) (Reading, error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return Reading{}, fmt.Errorf("want gauge, day and amount, got %q", line)
	}
	day, err := strconv.Atoi(fields[1])
	if err != nil || day < 1 || day > 31 {
		return Reading{}, fmt.Errorf("bad day %q", fields[1])
	}
	tenths, ok := parseTenths(fields[2])
	if !ok {
		return Reading{}, fmt.Errorf("bad amount %q", fields[2])
	}
	return Reading{Gauge: fields[0], Day: day, Tenths: tenths}, nil
}

// parseTenths reads an amount with exactly one decimal, such as "3.4".
func parseTenths(text string) (int, bool) {
	whole, decimal, found := strings.Cut(text, ".")
	if !found || len(decimal) != 1 || !onlyDigits(whole) || !onlyDigits(decimal) {
		return 0, false
	}
	tenths, err := strconv.Atoi(whole + decimal)
	return tenths, err == nil
}

func onlyDigits(text string) bool {
	for _, r := range text {
		if r < '0' || r > '9' {
			return false
		}
	}
	return text != ""
}
