package docket_test

import (
	"testing"

	"example.org/winery/docket"
	"example.org/winery/weigh"
)

func TestTonnes(t *testing.T) {
	for kg, want := range map[int]string{
		0:       "0.00 t",
		4:       "0.00 t",
		5:       "0.01 t",
		995:     "1.00 t",
		1234:    "1.23 t",
		1235:    "1.24 t",
		14480:   "14.48 t",
		5050:    "5.05 t",
		1000000: "1000.00 t",
	} {
		if got := docket.Tonnes(kg); got != want {
			t.Errorf("%d: got %q", kg, got)
		}
	}
}

func TestRender(t *testing.T) {
	var d weigh.Day
	for _, ticket := range []weigh.Ticket{
		{Number: "1", Plate: "A", Variety: "riesling", Empty: 9000, Loaded: 14000},
		{Number: "2", Plate: "B", Variety: "elbling", Empty: 1840, Loaded: 16320},
		{Number: "3", Plate: "B", Variety: "elbling", Empty: 1840, Loaded: 16320},
	} {
		if err := d.Add(ticket); err != nil {
			t.Fatal(err)
		}
	}
	want := "elbling: 2 loads, 28.96 t\nriesling: 1 load, 5.00 t\nall: 3 loads, 33.96 t\n"
	if got := docket.Render(&d); got != want {
		t.Fatalf("got %q", got)
	}
}

func TestRenderOneLoad(t *testing.T) {
	var d weigh.Day
	if err := d.Add(weigh.Ticket{Number: "1", Plate: "A", Variety: "riesling", Empty: 1, Loaded: 16}); err != nil {
		t.Fatal(err)
	}
	if got := docket.Render(&d); got != "riesling: 1 load, 0.02 t\nall: 1 load, 0.02 t\n" {
		t.Fatalf("got %q", got)
	}
}

func TestRenderNothing(t *testing.T) {
	var d weigh.Day
	if got := docket.Render(&d); got != "all: 0 loads, 0.00 t\n" {
		t.Fatalf("got %q", got)
	}
}
