package harbour_test

import (
	"testing"

	"example.org/harbour"
)

func TestMetres(t *testing.T) {
	cases := []struct{ lengthCm, want int }{
		{1150, 12}, {1200, 12}, {1201, 13}, {1299, 13},
		{430, 6}, {600, 6}, {601, 7}, {1, 6},
	}
	for _, c := range cases {
		if got := harbour.Metres(c.lengthCm); got != c.want {
			t.Errorf("Metres(%d) = %d, want %d", c.lengthCm, got, c.want)
		}
	}
}

func TestFee(t *testing.T) {
	cases := []struct {
		lengthCm, nights int
		season           string
		want             int
	}{
		{1000, 1, "low", 1500},
		{1000, 1, "high", 2400},
		{430, 2, "low", 1800},
		{1150, 3, "high", 8640},
	}
	for _, c := range cases {
		got, err := harbour.Fee(c.lengthCm, c.nights, c.season)
		if err != nil || got != c.want {
			t.Errorf("Fee(%d, %d, %q) = %d, %v, want %d", c.lengthCm, c.nights, c.season, got, err, c.want)
		}
	}
}

func TestEverySeventhNightIsFree(t *testing.T) {
	cases := []struct{ nights, want int }{
		{6, 9000}, {7, 9000}, {8, 10500}, {13, 18000}, {14, 18000}, {15, 19500}, {21, 27000},
	}
	for _, c := range cases {
		got, err := harbour.Fee(1000, c.nights, "low")
		if err != nil || got != c.want {
			t.Errorf("%d nights: %d, %v, want %d", c.nights, got, err, c.want)
		}
	}
}

func TestLargeBoatsPayMore(t *testing.T) {
	cases := []struct{ lengthCm, nights, want int }{
		{1500, 1, 2250}, {1501, 1, 2900}, {2000, 2, 7000}, {2000, 7, 21000},
	}
	for _, c := range cases {
		got, err := harbour.Fee(c.lengthCm, c.nights, "low")
		if err != nil || got != c.want {
			t.Errorf("%d cm, %d nights: %d, %v, want %d", c.lengthCm, c.nights, got, err, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	cases := []struct {
		lengthCm, nights int
		season, want     string
	}{
		{-20, 1, "low", "length -20 cm is not positive"},
		{0, 0, "winter", "length 0 cm is not positive"},
		{1000, 0, "low", "nights 0 is not positive"},
		{1000, -3, "winter", "nights -3 is not positive"},
		{1000, 1, "winter", `unknown season "winter"`},
		{1000, 1, "Low", `unknown season "Low"`},
		{1000, 1, "", `unknown season ""`},
	}
	for _, c := range cases {
		got, err := harbour.Fee(c.lengthCm, c.nights, c.season)
		if err == nil {
			t.Errorf("Fee(%d, %d, %q) = %d, want an error", c.lengthCm, c.nights, c.season, got)
			continue
		}
		if got != 0 || err.Error() != c.want {
			t.Errorf("Fee(%d, %d, %q) = %d, %q, want 0, %q", c.lengthCm, c.nights, c.season, got, err, c.want)
		}
	}
}
