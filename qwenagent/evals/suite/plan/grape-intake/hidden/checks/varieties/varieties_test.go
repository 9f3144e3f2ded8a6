package varieties

import (
	"reflect"
	"testing"

	"example.org/winery/weigh"
)

func day(t *testing.T, tickets ...weigh.Ticket) *weigh.Day {
	t.Helper()
	d := new(weigh.Day)
	for _, ticket := range tickets {
		if err := d.Add(ticket); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestByVariety(t *testing.T) {
	d := day(t,
		weigh.Ticket{Number: "1", Plate: "A", Variety: "riesling", Empty: 9000, Loaded: 14000},
		weigh.Ticket{Number: "2", Plate: "B", Variety: "elbling", Empty: 1840, Loaded: 16320},
		weigh.Ticket{Number: "3", Plate: "A", Variety: "silvaner", Empty: 9000, Loaded: 9001},
		weigh.Ticket{Number: "4", Plate: "C", Variety: "riesling", Empty: 10000, Loaded: 17500},
	)
	want := []weigh.Subtotal{
		{Variety: "elbling", Loads: 1, Net: 14480},
		{Variety: "riesling", Loads: 2, Net: 12500},
		{Variety: "silvaner", Loads: 1, Net: 1},
	}
	if got := d.ByVariety(); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v", got)
	}
}

func TestCaseDiffers(t *testing.T) {
	d := day(t,
		weigh.Ticket{Number: "1", Plate: "A", Variety: "riesling", Empty: 1, Loaded: 3},
		weigh.Ticket{Number: "2", Plate: "A", Variety: "Riesling", Empty: 1, Loaded: 4},
		weigh.Ticket{Number: "3", Plate: "A", Variety: "elbling", Empty: 1, Loaded: 5},
	)
	want := []weigh.Subtotal{
		{Variety: "Riesling", Loads: 1, Net: 3},
		{Variety: "elbling", Loads: 1, Net: 4},
		{Variety: "riesling", Loads: 1, Net: 2},
	}
	if got := d.ByVariety(); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v", got)
	}
}

func TestOrderOfWeighingStays(t *testing.T) {
	first := weigh.Ticket{Number: "1", Plate: "A", Variety: "riesling", Empty: 1, Loaded: 3}
	second := weigh.Ticket{Number: "2", Plate: "A", Variety: "elbling", Empty: 1, Loaded: 4}
	d := day(t, first, second)
	d.ByVariety()
	if got := d.Tickets(); !reflect.DeepEqual(got, []weigh.Ticket{first, second}) {
		t.Fatalf("got %+v", got)
	}
}

func TestNoTickets(t *testing.T) {
	if got := day(t).ByVariety(); len(got) != 0 {
		t.Fatalf("got %+v", got)
	}
}
