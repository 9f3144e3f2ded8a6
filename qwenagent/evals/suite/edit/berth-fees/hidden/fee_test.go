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
	cases := []struct{ lengthCm, nights, want int }{
		{1000, 1, 1500}, {1150, 2, 3600}, {1201, 3, 5850}, {430, 2, 1800}, {430, 0, 0}, {430, -3, 0},
	}
	for _, c := range cases {
		if got := harbour.Fee(c.lengthCm, c.nights); got != c.want {
			t.Errorf("Fee(%d, %d) = %d, want %d", c.lengthCm, c.nights, got, c.want)
		}
	}
}
