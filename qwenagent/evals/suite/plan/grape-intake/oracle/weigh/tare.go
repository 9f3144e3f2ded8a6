package weigh

import (
	"fmt"
	"strings"
)

// A TareBook keeps the empty weight of trailers by plate, in kilograms.
type TareBook struct {
	weights map[string]int
}

func plateKey(plate string) string {
	return strings.ToUpper(strings.ReplaceAll(plate, " ", ""))
}

// Set notes the empty weight of a trailer.
func (b *TareBook) Set(plate string, kg int) error {
	if kg < 1 {
		return fmt.Errorf("empty weight must be above 0: %d", kg)
	}
	if b.weights == nil {
		b.weights = make(map[string]int)
	}
	b.weights[plateKey(plate)] = kg
	return nil
}

// Lookup returns the empty weight of a trailer, and whether it is known.
func (b *TareBook) Lookup(plate string) (int, bool) {
	kg, known := b.weights[plateKey(plate)]
	return kg, known
}

// Fill returns the ticket with its empty weight, from the book if it was not weighed.
func (b *TareBook) Fill(t Ticket) (Ticket, error) {
	if t.Empty != 0 {
		return t, nil
	}
	kg, known := b.Lookup(t.Plate)
	if !known {
		return Ticket{}, fmt.Errorf("ticket %s: no empty weight for %s", t.Number, t.Plate)
	}
	t.Empty = kg
	return t, nil
}
