// Package docket writes what came in on a day.
package docket

import (
	"fmt"
	"strings"

	"example.org/winery/weigh"
)

// Tonnes returns kilograms as tonnes with two decimals.
func Tonnes(kg int) string {
	hundredths := (kg + 5) / 10
	return fmt.Sprintf("%d.%02d t", hundredths/100, hundredths%100)
}

// Render returns a line for each variety and one for the day.
func Render(d *weigh.Day) string {
	var out strings.Builder
	for _, sub := range d.ByVariety() {
		out.WriteString(line(sub.Variety, sub.Loads, sub.Net))
	}
	out.WriteString(line("all", len(d.Tickets()), d.Total()))
	return out.String()
}

func line(name string, loads, net int) string {
	word := "loads"
	if loads == 1 {
		word = "load"
	}
	return fmt.Sprintf("%s: %d %s, %s\n", name, loads, word, Tonnes(net))
}
