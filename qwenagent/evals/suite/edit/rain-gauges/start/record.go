package rain

import (
	"fmt"
	"sort"
)

// Record has the readings of all gauges for one month.
type Record struct {
	amounts map[string]map[int]int // gauge, day: tenths of a millimetre
}

// NewRecord returns a record without readings.
func NewRecord() *Record {
	return &Record{amounts: map[string]map[int]int{}}
}

// Add puts a reading into the record; a day is read only once.
func (r *Record) Add(reading Reading) error {
	days := r.amounts[reading.Gauge]
	if days == nil {
		days = map[int]int{}
		r.amounts[reading.Gauge] = days
	}
	if _, ok := days[reading.Day]; ok {
		return fmt.Errorf("%s day %d: already read", reading.Gauge, reading.Day)
	}
	days[reading.Day] = reading.Tenths
	return nil
}

// Gauges lists the gauges that have readings, sorted by name.
func (r *Record) Gauges() []string {
	names := make([]string, 0, len(r.amounts))
	for name := range r.amounts {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Total is the rain in a gauge, in tenths of a millimetre.
func (r *Record) Total(gauge string) int {
	total := 0
	for _, tenths := range r.amounts[gauge] {
		total += tenths
	}
	return total
}

// Days is the number of days on which a gauge was read.
func (r *Record) Days(gauge string) int {
	return len(r.amounts[gauge])
}
