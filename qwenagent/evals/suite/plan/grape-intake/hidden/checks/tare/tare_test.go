package tare

import (
	"testing"

	"example.org/winery/weigh"
)

func book(t *testing.T) *weigh.TareBook {
	t.Helper()
	var b weigh.TareBook
	if err := b.Set("KL-GR 208", 1840); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestLookup(t *testing.T) {
	b := book(t)
	for _, plate := range []string{"KL-GR 208", "kl-gr208", " KL-GR  208 "} {
		if kg, known := b.Lookup(plate); kg != 1840 || !known {
			t.Errorf("%q: got %d, %v", plate, kg, known)
		}
	}
	if kg, known := b.Lookup("KL-GR 209"); kg != 0 || known {
		t.Errorf("got %d, %v", kg, known)
	}
}

func TestLookupInEmptyBook(t *testing.T) {
	var b weigh.TareBook
	if kg, known := b.Lookup("KL-GR 208"); kg != 0 || known {
		t.Fatalf("got %d, %v", kg, known)
	}
}

func TestSetAgain(t *testing.T) {
	b := book(t)
	if err := b.Set("kl-gr 208", 1); err != nil {
		t.Fatal(err)
	}
	if kg, _ := b.Lookup("KL-GR 208"); kg != 1 {
		t.Fatalf("got %d", kg)
	}
}

func TestSetRefuses(t *testing.T) {
	b := book(t)
	for kg, want := range map[int]string{
		0:  "empty weight must be above 0: 0",
		-3: "empty weight must be above 0: -3",
	} {
		if err := b.Set("KL-GR 208", kg); err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
	}
	if kg, _ := b.Lookup("KL-GR 208"); kg != 1840 {
		t.Fatalf("weight was changed to %d", kg)
	}
}

func TestFill(t *testing.T) {
	ticket := weigh.Ticket{Number: "0417", Plate: "kl-gr 208", Variety: "riesling", Loaded: 16320}
	want := ticket
	want.Empty = 1840
	if got, err := book(t).Fill(ticket); err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestFillKeepsWhatWasWeighed(t *testing.T) {
	for _, plate := range []string{"KL-GR 208", "KL-AB 7"} {
		ticket := weigh.Ticket{Number: "1", Plate: plate, Variety: "riesling", Empty: 12000, Loaded: 16320}
		if got, err := book(t).Fill(ticket); err != nil || got != ticket {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

func TestFillUnknownTrailer(t *testing.T) {
	ticket := weigh.Ticket{Number: "0417", Plate: "kl-ab 7", Variety: "riesling", Loaded: 16320}
	got, err := book(t).Fill(ticket)
	if err == nil || err.Error() != "ticket 0417: no empty weight for kl-ab 7" {
		t.Fatalf("got %v", err)
	}
	if got != (weigh.Ticket{}) {
		t.Fatalf("got %+v", got)
	}
}
