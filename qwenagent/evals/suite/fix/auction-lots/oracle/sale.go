// Package auction runs the sale of a village auction.
package auction

import "fmt"

// Lot is a thing that is sold; amounts are whole pounds.
type Lot struct {
	Number  int
	Name    string
	Reserve int    // the least that a first bid may be
	Bid     int    // the highest bid so far
	Bidder  string // who made it, "" if there is none
}

// Sale has the lots in the order in which they are called. Every change of it
// can be undone, the last one first.
type Sale struct {
	lots    []Lot
	numbers int // given out so far
	history []state
}

// state is what a sale goes back to.
type state struct {
	what string
	lots []Lot
}

// Lots lists the lots in the order in which they are called.
func (s *Sale) Lots() []Lot {
	return append([]Lot{}, s.lots...)
}

// Enter puts a lot at the end of the sale and returns its number.
func (s *Sale) Enter(name string, reserve int) int {
	s.remember("entry of " + name)
	s.numbers++
	s.lots = append(s.lots, Lot{Number: s.numbers, Name: name, Reserve: reserve})
	return s.numbers
}

// Bid notes a bid for a lot.
func (s *Sale) Bid(number int, bidder string, pounds int) error {
	i, err := s.find(number)
	if err != nil {
		return err
	}
	if least := leastBid(s.lots[i]); pounds < least {
		return fmt.Errorf("lot %d: %d is too little, the next bid is %d", number, pounds, least)
	}
	s.remember(fmt.Sprintf("bid of %s for lot %d", bidder, number))
	s.lots[i].Bid = pounds
	s.lots[i].Bidder = bidder
	return nil
}

// Withdraw takes a lot out of the sale.
func (s *Sale) Withdraw(number int) error {
	i, err := s.find(number)
	if err != nil {
		return err
	}
	s.remember(fmt.Sprintf("withdrawal of lot %d", number))
	s.lots = append(s.lots[:i], s.lots[i+1:]...)
	return nil
}

// CallFirst moves a lot to the front of the sale.
func (s *Sale) CallFirst(number int) error {
	i, err := s.find(number)
	if err != nil {
		return err
	}
	s.remember(fmt.Sprintf("move of lot %d", number))
	lot := s.lots[i]
	copy(s.lots[1:i+1], s.lots[:i])
	s.lots[0] = lot
	return nil
}

// Undo takes the last change back and says what it was; "" if there is none.
func (s *Sale) Undo() string {
	if len(s.history) == 0 {
		return ""
	}
	last := s.history[len(s.history)-1]
	s.history = s.history[:len(s.history)-1]
	s.lots = last.lots
	return last.what
}

// Total is the sum of the highest bids of all lots.
func (s *Sale) Total() int {
	total := 0
	for _, lot := range s.lots {
		total += lot.Bid
	}
	return total
}

// remember keeps the lots as they are now, ahead of a change.
func (s *Sale) remember(what string) {
	s.history = append(s.history, state{what, s.Lots()})
}

func (s *Sale) find(number int) (int, error) {
	for i, lot := range s.lots {
		if lot.Number == number {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no lot %d in the sale", number)
}

// leastBid is the least that the next bid for a lot may be.
func leastBid(lot Lot) int {
	switch {
	case lot.Bidder == "":
		return lot.Reserve
	case lot.Bid < 100:
		return lot.Bid + 5
	default:
		return lot.Bid + 20
	}
}
