// Package harbour works out what boats pay for a berth.
package harbour

const (
	minMetres = 6
	rate      = 150
)

// Metres is the length for which a boat pays.
func Metres(lengthCm int) int {
	metres := (lengthCm + 99) / 100
	if metres < minMetres {
		return minMetres
	}
	return metres
}

// Fee is what a boat pays for its stay, in pence.
func Fee(lengthCm, nights int) int {
	if nights < 1 {
		return 0
	}
	return nights * Metres(lengthCm) * rate
}
