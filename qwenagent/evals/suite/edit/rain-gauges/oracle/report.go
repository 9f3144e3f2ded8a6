package rain

import (
	"fmt"
	"strings"
)

// Report has one line for each gauge, with the rain of the month.
func Report(r *Record) string {
	var b strings.Builder
	for _, gauge := range r.Gauges() {
		fmt.Fprintf(&b, "%s: %s%s\n", gauge, rainfall(r, gauge), missed(r.Missed(gauge)))
	}
	return b.String()
}

func rainfall(r *Record, gauge string) string {
	if r.Days(gauge) == 0 {
		return "no readings"
	}
	total := r.Total(gauge)
	return fmt.Sprintf("%d.%d mm on %s", total/10, total%10, days(r.Days(gauge)))
}

func missed(days []int) string {
	if len(days) == 0 {
		return ""
	}
	words := make([]string, len(days))
	for i, day := range days {
		words[i] = fmt.Sprint(day)
	}
	last := len(words) - 1
	if last == 0 {
		return ", missed " + words[0]
	}
	return ", missed " + strings.Join(words[:last], ", ") + " and " + words[last]
}

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}
