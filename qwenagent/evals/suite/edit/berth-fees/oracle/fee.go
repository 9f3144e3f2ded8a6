// Package harbour works out what boats pay for a berth.
package harbour

import "fmt"

const (
	minMetres      = 6
	largeMetres    = 15
	largeSurcharge = 500
	freeEvery      = 7
)

var rates = map[string]int{"low": 150, "high": 240}

// Metres is the length for which a boat pays.
func Metres(lengthCm int) int {
	metres := (lengthCm + 99) / 100
	if metres < minMetres {
		return minMetres
	}
	return metres
}

// Fee is what a boat pays for its stay, in pence.
func Fee(lengthCm, nights int, season string) (int, error) {
	if lengthCm < 1 {
		return 0, fmt.Errorf("length %d cm is not positive", lengthCm)
	}
	if nights < 1 {
		return 0, fmt.Errorf("nights %d is not positive", nights)
	}
	rate, ok := rates[season]
	if !ok {
		return 0, fmt.Errorf("unknown season %q", season)
	}
	metres := Metres(lengthCm)
	night := metres * rate
	if metres > largeMetres {
		night += largeSurcharge
	}
	return night * (nights - nights/freeEvery), nil
}
