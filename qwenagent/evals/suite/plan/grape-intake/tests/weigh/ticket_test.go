package weigh

import "testing"

func TestParseTicket(t *testing.T) {
	got, err := ParseTicket("0417;KL-GR 208;grauburgunder;1840;16320")
	want := Ticket{"0417", "KL-GR 208", "grauburgunder", 1840, 16320}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestParseTicketTrims(t *testing.T) {
	got, err := ParseTicket(" 0417 ; KL-GR 208; riesling ;1840 ; 16320 ")
	want := Ticket{"0417", "KL-GR 208", "riesling", 1840, 16320}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestParseTicketRefuses(t *testing.T) {
	for _, line := range []string{
		"",
		"0417;KL-GR 208;riesling;1840",
		"0417;KL-GR 208;riesling;1840;16320;x",
		"0417;;riesling;1840;16320",
		"0417;KL-GR 208;riesling;heavy;16320",
		"0417;KL-GR 208;riesling;1840;-5",
	} {
		if got, err := ParseTicket(line); err == nil {
			t.Errorf("%q: got %+v", line, got)
		}
	}
}

func TestNet(t *testing.T) {
	if got := (Ticket{Empty: 1840, Loaded: 16320}).Net(); got != 14480 {
		t.Fatalf("got %d", got)
	}
}
