package rain

import (
	"fmt"
	"strings"
)

// Report has one line for each gauge, with the rain of the month.
func Report(r *Record) string {
	var b strings.Builder
	for _, gauge := range r.Gauges() {
		total := r.Total(gauge)
		fmt.Fprintf(&b, "%s: %d.%d mm on %s\n", gauge, total/10, total%10, days(r.Days(gauge)))
	}
	return b.String()
}

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}
