package weigh

import (
	"reflect"
	"testing"
)

var (
	elbling  = Ticket{"0417", "KL-GR 208", "elbling", 1840, 16320}
	riesling = Ticket{"0418", "KL-AB 7", "riesling", 9000, 14000}
)

func TestDayKeepsOrder(t *testing.T) {
	var day Day
	for _, ticket := range []Ticket{riesling, elbling} {
		if err := day.Add(ticket); err != nil {
			t.Fatal(err)
		}
	}
	if got := day.Tickets(); !reflect.DeepEqual(got, []Ticket{riesling, elbling}) {
		t.Fatalf("got %+v", got)
	}
	if got := day.Total(); got != 19480 {
		t.Fatalf("total %d", got)
	}
}

func TestDayRefusesNumberTwice(t *testing.T) {
	var day Day
	if err := day.Add(elbling); err != nil {
		t.Fatal(err)
	}
	err := day.Add(elbling)
	if err == nil || err.Error() != "ticket 0417: number is used twice" {
		t.Fatalf("got %v", err)
	}
}

func TestDayRefusesNothingCarried(t *testing.T) {
	var day Day
	err := day.Add(Ticket{"0419", "KL-AB 7", "riesling", 9000, 9000})
	if err == nil || err.Error() != "ticket 0419: loaded weight 9000 is not above empty weight 9000" {
		t.Fatalf("got %v", err)
	}
	if len(day.Tickets()) != 0 {
		t.Fatal("ticket was added")
	}
}

func TestTicketsIsACopy(t *testing.T) {
	var day Day
	if err := day.Add(elbling); err != nil {
		t.Fatal(err)
	}
	day.Tickets()[0] = riesling
	if got := day.Tickets()[0]; got != elbling {
		t.Fatalf("got %+v", got)
	}
}
