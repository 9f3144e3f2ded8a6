package weigh

import "fmt"

// A Day holds the tickets of one day in the order of weighing.
type Day struct {
	tickets []Ticket
	numbers map[string]bool
}

// Add appends a ticket. It refuses a number that is there already, and a ticket whose trailer is not
// heavier loaded than empty.
func (d *Day) Add(t Ticket) error {
	if d.numbers[t.Number] {
		return fmt.Errorf("ticket %s: number is used twice", t.Number)
	}
	if t.Net() <= 0 {
		return fmt.Errorf("ticket %s: loaded weight %d is not above empty weight %d",
			t.Number, t.Loaded, t.Empty)
	}
	if d.numbers == nil {
		d.numbers = make(map[string]bool)
	}
	d.numbers[t.Number] = true
	d.tickets = append(d.tickets, t)
	return nil
}

// Tickets returns the tickets in the order of weighing.
func (d *Day) Tickets() []Ticket {
	return append([]Ticket(nil), d.tickets...)
}

// Total is what all trailers carried, in kilograms.
func (d *Day) Total() int {
	total := 0
	for _, t := range d.tickets {
		total += t.Net()
	}
	return total
}
