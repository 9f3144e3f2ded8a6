package rain

import (
	"fmt"
	"sort"
)

// Record has the readings of all gauges for one month.
type Record struct {
	amounts map[string]map[int]int  // gauge, day: tenths of a millimetre
	missed  map[string]map[int]bool // gauge, day: not read
}

// NewRecord returns a record without readings.
func NewRecord() *Record {
	return &Record{amounts: map[string]map[int]int{}, missed: map[string]map[int]bool{}}
}

// Add puts a reading into the record; a day is read only once, but may be corrected.
func (r *Record) Add(reading Reading) error {
	gauge, day := reading.Gauge, reading.Day
	_, read := r.amounts[gauge][day]
	missed := r.missed[gauge][day]
	if reading.Kind == Correction && !read && !missed {
		return fmt.Errorf("%s day %d: nothing to correct", gauge, day)
	}
	if reading.Kind != Correction && read {
		return fmt.Errorf("%s day %d: already read", gauge, day)
	}
	if reading.Kind == Missed {
		r.note(gauge, day)
	} else {
		r.set(gauge, day, reading.Tenths)
	}
	return nil
}

func (r *Record) note(gauge string, day int) {
	if r.missed[gauge] == nil {
		r.missed[gauge] = map[int]bool{}
	}
	r.missed[gauge][day] = true
}

func (r *Record) set(gauge string, day, tenths int) {
	if r.amounts[gauge] == nil {
		r.amounts[gauge] = map[int]int{}
	}
	r.amounts[gauge][day] = tenths
	delete(r.missed[gauge], day)
}

// Missed lists the days on which a gauge was not read, sorted.
func (r *Record) Missed(gauge string) []int {
	days := []int{}
	for day := range r.missed[gauge] {
		days = append(days, day)
	}
	sort.Ints(days)
	return days
}

// Gauges lists the gauges that have readings or missed days, sorted by name.
func (r *Record) Gauges() []string {
	names := make([]string, 0, len(r.amounts))
	for name := range r.amounts {
		names = append(names, name)
	}
	for name := range r.missed {
		if _, listed := r.amounts[name]; !listed {
			names = append(names, name)
		}
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
