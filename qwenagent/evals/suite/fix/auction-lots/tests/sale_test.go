package auction

import (
	"reflect"
	"testing"
)

func newSale() *Sale {
	s := &Sale{}
	s.Enter("clock", 40)
	s.Enter("piano", 100)
	s.Enter("bench", 15)
	return s
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("got the error %v, want %s", err, want)
	}
}

func checkList(t *testing.T, s *Sale, want string) {
	t.Helper()
	if got := s.List(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

const fresh = "1 clock: from 40\n2 piano: from 100\n3 bench: from 15\n"

func TestEntries(t *testing.T) {
	checkList(t, newSale(), fresh)
	checkList(t, &Sale{}, "")
}

func TestBids(t *testing.T) {
	s := newSale()
	checkError(t, s.Bid(1, "Ada", 39), "lot 1: 39 is too little, the next bid is 40")
	ok(t, s.Bid(1, "Ada", 40))
	checkError(t, s.Bid(1, "Ben", 44), "lot 1: 44 is too little, the next bid is 45")
	ok(t, s.Bid(1, "Ben", 100))
	checkError(t, s.Bid(1, "Ada", 119), "lot 1: 119 is too little, the next bid is 120")
	ok(t, s.Bid(3, "Cleo", 15))
	checkList(t, s, "1 clock: 100 by Ben\n2 piano: from 100\n3 bench: 15 by Cleo\n")
	if got := s.Total(); got != 115 {
		t.Errorf("Total() = %d, want 115", got)
	}
}

func TestWithdraw(t *testing.T) {
	s := newSale()
	ok(t, s.Withdraw(2))
	checkList(t, s, "1 clock: from 40\n3 bench: from 15\n")
	checkError(t, s.Withdraw(2), "no lot 2 in the sale")
	if number := s.Enter("lamp", 5); number != 4 {
		t.Errorf("the lamp has number %d, want 4", number)
	}
}

func TestCallFirst(t *testing.T) {
	s := newSale()
	ok(t, s.CallFirst(3))
	checkList(t, s, "3 bench: from 15\n1 clock: from 40\n2 piano: from 100\n")
	ok(t, s.CallFirst(3))
	checkList(t, s, "3 bench: from 15\n1 clock: from 40\n2 piano: from 100\n")
	checkError(t, s.CallFirst(9), "no lot 9 in the sale")
}

func TestUndoEntry(t *testing.T) {
	s := newSale()
	if what := s.Undo(); what != "entry of bench" {
		t.Errorf("Undo() = %q", what)
	}
	checkList(t, s, "1 clock: from 40\n2 piano: from 100\n")
}

func TestUndoNothing(t *testing.T) {
	s := &Sale{}
	if what := s.Undo(); what != "" {
		t.Errorf("Undo() = %q", what)
	}
}

func TestUndoBid(t *testing.T) {
	s := newSale()
	ok(t, s.Bid(1, "Ada", 40))
	ok(t, s.Bid(1, "Ben", 60))
	if what := s.Undo(); what != "bid of Ben for lot 1" {
		t.Errorf("Undo() = %q", what)
	}
	checkList(t, s, "1 clock: 40 by Ada\n2 piano: from 100\n3 bench: from 15\n")
	s.Undo()
	checkList(t, s, fresh)
}

func TestUndoWithdrawal(t *testing.T) {
	s := newSale()
	ok(t, s.Withdraw(1))
	s.Undo()
	checkList(t, s, fresh)
}

func TestUndoMove(t *testing.T) {
	s := newSale()
	ok(t, s.CallFirst(3))
	s.Undo()
	checkList(t, s, fresh)
}

func TestUndoManyChanges(t *testing.T) {
	s := newSale()
	ok(t, s.Bid(2, "Ada", 150))
	ok(t, s.CallFirst(2))
	ok(t, s.Withdraw(1))
	s.Enter("lamp", 5)
	for i := 0; i < 4; i++ {
		s.Undo()
	}
	checkList(t, s, fresh)
}

func TestRefusedChangesAreNotRemembered(t *testing.T) {
	s := newSale()
	checkError(t, s.Bid(9, "Ada", 40), "no lot 9 in the sale")
	checkError(t, s.Bid(1, "Ada", 1), "lot 1: 1 is too little, the next bid is 40")
	if what := s.Undo(); what != "entry of bench" {
		t.Errorf("Undo() = %q", what)
	}
}

func TestLotsIsACopy(t *testing.T) {
	s := newSale()
	lots := s.Lots()
	lots[0].Name = "watch"
	want := []Lot{{1, "clock", 40, 0, ""}, {2, "piano", 100, 0, ""}, {3, "bench", 15, 0, ""}}
	if got := s.Lots(); !reflect.DeepEqual(got, want) {
		t.Errorf("Lots() = %v, want %v", got, want)
	}
}
