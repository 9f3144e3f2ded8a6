// Package board writes the lines of a departure board at a tram stop.
//
// Times are minutes since midnight, from 0 to 1439. The timetable is the same
// every day, so that after the last tram comes the first one of the next day.
package board

import (
	"fmt"
	"sort"
)

const minutesPerDay = 24 * 60

// Departure is one entry of the timetable.
type Departure struct {
	Line string
	To   string
	At   int
}

// waiting is how many minutes a passenger waits for a departure.
func waiting(d Departure, now int) int {
	return (d.At - now) % minutesPerDay
}

// Next lists the departures that come next, at most n of them, soonest first.
// Departures at the same time are ordered by line.
func Next(timetable []Departure, now, n int) []Departure {
	next := append([]Departure(nil), timetable...)
	sort.SliceStable(next, func(i, j int) bool {
		wi, wj := waiting(next[i], now), waiting(next[j], now)
		if wi != wj {
			return wi < wj
		}
		return next[i].Line < next[j].Line
	})
	if len(next) > n {
		next = next[:n]
	}
	return next
}

// Lines are the texts of the board: line, destination and time.
func Lines(timetable []Departure, now, n int) []string {
	lines := []string{}
	for _, d := range Next(timetable, now, n) {
		lines = append(lines, fmt.Sprintf("%-3s %-14s %6s", d.Line, shorten(d.To, 14), when(d, now)))
	}
	return lines
}

// when is the time until a departure, or its clock time if that is long.
func when(d Departure, now int) string {
	wait := waiting(d, now)
	switch {
	case wait == 0:
		return "now"
	case wait < 30:
		return fmt.Sprintf("%d min", wait)
	default:
		return fmt.Sprintf("%02d:%02d", d.At/60, d.At%60)
	}
}

// shorten cuts a text to a width, with a full stop in the place of the rest.
func shorten(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "."
}
